"""What Check_MK runs and what its server needs."""
