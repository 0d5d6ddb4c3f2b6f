"""How people log in and out: by a mailed link, by the web server in front, by OpenID Connect."""
