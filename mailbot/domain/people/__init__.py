"""Who is who: addresses of one person or one organisation, and who takes part in a ticket."""
