"""The WhatsApp channel: a number at the Cloud API (https://developers.facebook.com/docs/whatsapp/cloud-api)."""
