"""Programs that send us what people wrote, as JSON, and perhaps take our answers."""
