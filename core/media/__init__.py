"""The only room with video: recorder, eyes, their messages and their supervisor."""
