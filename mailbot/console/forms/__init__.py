"""Web forms for customers: the page and its frame in other pages, what was sent, the link that confirms the address."""
