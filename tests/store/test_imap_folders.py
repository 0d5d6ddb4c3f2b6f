"""How far a folder was read never goes back and is never taken for another folder's."""

from datetime import timedelta

from mailbot.store.service.imap_folders import (
    MAX_SKIPPED,
    Folder,
    FolderError,
    FolderStatus,
    OpenedFolder,
    Position,
    Progress,
    advance,
    folder_statuses,
    record_error,
    start,
)
from mailbot.store.store import Store
from tests.builders import NOW

FOLDER = Folder("support@imap.example", "INBOX")


def position(store: Store, uidvalidity: int = 7, next_uid: int = 50, folder: Folder = FOLDER) -> Position:
    return store.write_now(start, OpenedFolder(folder, uidvalidity, next_uid, NOW + timedelta(days=1)))


def test_a_folder_begins_at_the_next_uid_and_continues_at_the_last_uid(store: Store) -> None:
    store.write_now(start, OpenedFolder(FOLDER, 7, 40, NOW))
    store.write_now(advance, Progress(FOLDER, 7, 44, skipped=(42, 43)))
    store.write_now(advance, Progress(FOLDER, 7, 41, recovered=(42,)))  # a node that came later knew less

    assert position(store) == Position(7, 44, 40, NOW, (43,))
    assert position(store, folder=Folder(FOLDER.account, "Arsip")).uid == 0


def test_a_folder_renumbered_by_the_server_starts_over_and_still_knows_when_we_began(store: Store) -> None:
    store.write_now(start, OpenedFolder(FOLDER, 7, 40, NOW))
    store.write_now(advance, Progress(FOLDER, 7, 44, skipped=(42,)))

    assert position(store, uidvalidity=8, next_uid=3) == Position(8, 0, 3, NOW, restarted=True)
    store.write_now(advance, Progress(FOLDER, 7, 45))  # from a node that has not noticed yet
    assert position(store, uidvalidity=8) == Position(8, 0, 3, NOW)


def test_trouble_is_known_before_the_folder_was_ever_opened(store: Store) -> None:
    store.write_now(record_error, FolderError(FOLDER, "wrong password", NOW))
    assert store.read_now(folder_statuses) == {FOLDER: FolderStatus("wrong password", 0)}
    assert position(store) == Position(7, 0, 50, NOW)
    store.write_now(record_error, FolderError(FOLDER, "", NOW))
    store.write_now(advance, Progress(FOLDER, 7, 9, skipped=(8,)))
    assert store.read_now(folder_statuses) == {FOLDER: FolderStatus("", 1)}


def test_only_so_many_mails_that_were_skipped_are_remembered(store: Store) -> None:
    position(store)
    store.write_now(advance, Progress(FOLDER, 7, 9999, skipped=tuple(range(1, MAX_SKIPPED + 11))))
    assert position(store).skipped == tuple(range(11, MAX_SKIPPED + 11))
