"""Every way out: the loop over the outbox, the SMTP client, results of attempts, retry and back-off."""
