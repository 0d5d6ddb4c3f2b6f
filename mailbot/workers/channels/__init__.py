"""The loops of channels beside mail: read what providers sent, ask them for news, send answers."""
