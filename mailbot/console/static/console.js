// What all pages share. Pages work without it: this only makes them quicker.
"use strict";
