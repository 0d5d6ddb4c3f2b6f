"""A report for people and programs: tables (`sections`), charts (`pictures`), text, HTML page and JSON."""

from mailbot.reporting.page import for_mail, page
from mailbot.reporting.pictures import poster
from mailbot.reporting.sections import sections, title
from mailbot.reporting.shape import shape
from mailbot.reporting.text import text

__all__ = ["for_mail", "page", "poster", "sections", "shape", "text", "title"]
