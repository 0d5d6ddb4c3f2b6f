"""The Telegram channel: a bot to which customers write (Bot API, https://core.telegram.org/bots/api)."""
