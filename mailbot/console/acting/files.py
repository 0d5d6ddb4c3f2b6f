"""Files that are uploaded with an answer: read whole, named and typed by what they are."""

import asyncio

from starlette.datastructures import FormData, UploadFile

from mailbot.domain import reasons
from mailbot.domain.model import Attachment
from mailbot.domain.reasons import Refusal
from mailbot.mail.parsing import attachments

MOST = 20
_IN_BASE64 = 4 / 3


async def read_files(form: FormData, largest_mail: int) -> tuple[Attachment, ...] | Refusal:
    """Return the files, or why they can't go along. `largest_mail`: bytes of the mail that has them all."""
    given = [each for each in form.getlist("files") if isinstance(each, UploadFile) and each.filename]
    if len(given) > MOST:
        return reasons.refuse("too_many_files", most=MOST)
    found = []
    for each in given:
        content = await each.read()
        # A digest of 20 MB takes as long as the decision about five mails.
        found.append(
            await asyncio.to_thread(attachments.make, each.filename or "", each.content_type or "", content)
        )
    most = int(largest_mail / _IN_BASE64)
    if sum(each.size for each in found) > most:
        return reasons.refuse("files_too_large", most=f"{most // 2**20} MB")
    runs = next((each for each in found if attachments.is_dangerous(each)), None)
    return reasons.refuse("file_runs", file=runs.name) if runs else tuple(found)
