"""`mailbot console`: what operators do about the console from a shell."""
