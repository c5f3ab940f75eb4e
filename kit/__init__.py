"""What a vendor begins with: the skeletons of plugins."""
