"""What can be set in the GUI."""
