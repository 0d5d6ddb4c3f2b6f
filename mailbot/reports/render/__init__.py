"""A report for people and programs: tables (`sections`), charts (`pictures`), text, HTML page, CSV and JSON."""

from mailbot.reports.render.charts import poster
from mailbot.reports.render.csv_form import csv_text
from mailbot.reports.render.html import for_mail, page
from mailbot.reports.render.json_form import shape
from mailbot.reports.render.sections import sections, title
from mailbot.reports.render.text import text

__all__ = ["csv_text", "for_mail", "page", "poster", "sections", "shape", "text", "title"]
