"""What each detector is worth: run over labelled footage by ``siaga eval``, in figures that can be compared."""
