"""What spcbench itself offers, through the same door as any plugin."""
