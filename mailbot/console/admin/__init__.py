"""The pages for admins: is mail flowing, why a mail goes where it goes, the policy and its next version."""
