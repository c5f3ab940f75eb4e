"""Rules on trial: the real engine on simulated time, with actions written down instead of done."""
