"""Several processes behind one door: `mailbot run --processes N`."""
