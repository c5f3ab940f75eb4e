"""PTZ above the camera kinds: who holds a camera, where it stands, its patrol, and which of its zones count."""
