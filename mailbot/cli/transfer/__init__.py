"""Commands that bring data here from elsewhere, or take it elsewhere."""
