import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from store import database, events, migrations
from store.backup import backup
from store.check import check
from store.errors import StoreError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def lax_umask():
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def db(tmp_path: Path):
    with database.open(tmp_path / "store.db") as opened:
        yield opened


def test_a_new_store_is_private_whatever_the_umask(tmp_path, lax_umask):
    path = tmp_path / "home" / "strop" / "store.db"
    with database.open(path) as db:
        events.append(db, "hello", "{}")
        assert mode(path.parent) == 0o700
        assert mode(path) == 0o600
        for suffix in ("-wal", "-shm"):
            assert mode(path.with_name(path.name + suffix)) == 0o600


def test_a_store_that_became_readable_for_others_is_closed_to_them_again(tmp_path):
    path = tmp_path / "store.db"
    database.open(path).close()
    path.chmod(0o644)
    database.open(path).close()
    assert mode(path) == 0o600


def test_the_folder_of_somebody_else_keeps_its_permissions(tmp_path):
    tmp_path.chmod(0o755)
    database.open(tmp_path / "store.db").close()
    assert mode(tmp_path) == 0o755


def test_the_file_says_whose_it_is_and_every_safety_is_on(db):
    assert database.pragma(db, "application_id") == 0x5354524F
    assert database.pragma(db, "user_version") == migrations.SCHEMA
    assert database.pragma(db, "foreign_keys") == 1
    assert database.pragma(db, "synchronous") == 2
    assert database.pragma(db, "busy_timeout") == 60_000
    assert db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"


def test_every_table_is_strict_and_every_migration_is_numbered_in_order(db):
    found = db.execute("SELECT name, strict FROM pragma_table_list WHERE name NOT LIKE 'sqlite%'")
    assert all(strict for name, strict in found.fetchall())
    names = [applied.name for applied in migrations.migrations.applied(db)]
    assert len(names) == migrations.SCHEMA
    assert [int(name[1:5]) for name in names] == list(range(1, migrations.SCHEMA + 1))


def test_opening_again_keeps_what_is_there(tmp_path):
    with database.open(tmp_path / "store.db") as db:
        events.append(db, "hello", "{}")
    with database.open(tmp_path / "store.db") as db:
        assert [event.kind for event in events.since(db, 0)] == ["hello"]


@pytest.mark.parametrize("content", [b"x", b"not a database\n" * 500, b"GGUF" + bytes(5000)])
def test_a_file_that_is_not_sqlite_is_refused_and_left_as_it_was(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    path.chmod(0o644)
    with pytest.raises(StoreError, match=r"notes\.txt: it is not a SQLite file; .*another path"):
        database.open(path)
    assert path.read_bytes() == content
    assert mode(path) == 0o644


@pytest.mark.parametrize("mark", ["PRAGMA application_id = 7", "CREATE TABLE diary (line TEXT)"])
def test_another_applications_file_is_refused_and_left_as_it_was(tmp_path, mark):
    path = tmp_path / "other.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute(mark)
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another application"):
        database.open(path)
    assert path.read_bytes() == before


def test_a_newer_schema_is_refused(tmp_path):
    with database.open(tmp_path / "store.db") as db:
        db.execute(f"PRAGMA user_version = {migrations.SCHEMA + 1}")
    known = migrations.SCHEMA
    newer = rf"newer Strop \(schema {known + 1}, this one knows {known}\); update"
    with pytest.raises(StoreError, match=newer):
        database.open(tmp_path / "store.db")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="check the permissions of the folder"):
        database.open(tmp_path / "file" / "store.db")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    def denied(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", denied)
    with pytest.raises(StoreError, match=r"Permission denied.*permissions of the folder"):
        database.open(tmp_path / "store.db")


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(StoreError, match="cannot be opened"):
        database.open(tmp_path)


def test_a_failed_migration_leaves_an_empty_file_that_opens_later(tmp_path, monkeypatch):
    def broken(db):
        db.execute("CREATE TABLE half (x TEXT) STRICT")
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(migrations, "migrations", migrations.Migrations("strop"))
        migrations.migrations()(broken)
        with pytest.raises(RuntimeError):
            database.open(tmp_path / "store.db")
    with database.open(tmp_path / "store.db") as db:
        assert "half" not in db.table_names()
        assert check(db) == []


def test_a_raise_inside_write_leaves_no_row(db):
    with pytest.raises(ZeroDivisionError), database.write(db):
        db.execute("INSERT INTO events (kind, content, at) VALUES ('a', '1', 't')")
        1 / 0  # noqa: B018
    assert list(events.since(db, 0)) == []
    assert not db.conn.in_transaction


def test_writes_do_not_nest(db):
    with pytest.raises(StoreError, match="open on this connection already"), database.write(db):
        events.append(db, "inner", "{}")
    assert list(events.since(db, 0)) == []


def test_a_readonly_store_is_a_clear_error(db):
    db.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreError, match=r"store\.db: it, its folder or a file beside it is read-"):
        events.append(db, "hello", "{}")


@pytest.mark.parametrize("name", ["store.db", "store.db-wal", "store.db-shm", "."])
def test_a_read_only_store_is_refused_by_its_name_and_keeps_its_mode(tmp_path, name):
    path, place = tmp_path / "home" / "store.db", tmp_path / "home" / name
    database.open(path).close()
    place.touch()
    before = mode(place) & 0o555
    place.chmod(before)
    with pytest.raises(StoreError, match=f"{place.name}: is read-only; give your user write"):
        database.open(path)
    assert mode(place) == before
    place.chmod(before | 0o200)
    with database.open(path) as opened:
        events.append(opened, "hello", "{}")


@pytest.mark.parametrize("look", ["stat", "access"])
def test_a_file_that_vanishes_while_it_is_looked_at_is_not_called_read_only(
    tmp_path, monkeypatch, look
):
    path, beside = tmp_path / "store.db", tmp_path / "store.db-shm"
    database.open(path).close()
    beside.touch()
    real = getattr(os, look)

    def vanish(place, *more, **options):
        if Path(place) == beside:
            beside.unlink(missing_ok=True)
        return real(place, *more, **options)

    monkeypatch.setattr(database.os, look, vanish)
    with database.open(path) as opened:
        events.append(opened, "hello", "{}")


def test_two_processes_open_and_close_the_store_over_and_over_without_an_error(tmp_path):
    path = tmp_path / "store.db"
    code = (
        "import sys\nfrom pathlib import Path\nfrom store import database\n"
        "for _ in range(150):\n    database.open(Path(sys.argv[1])).close()\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    assert [one.communicate()[1] for one in both] == ["", ""]


def test_a_patient_connection_waits_for_a_writer_and_tells_how_long(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.01)
    told = []
    with database.open(tmp_path / "store.db") as db, database.open(tmp_path / "store.db") as other:
        database.be_patient(db, told.append)
        other.execute("BEGIN IMMEDIATE")
        locked = []

        def release(statement):
            locked.append(statement)
            if len(locked) == 4:
                other.execute("COMMIT")

        db.conn.set_trace_callback(release)
        events.append(db, "hello", "{}")
        assert [event.kind for event in events.since(db, 0)] == ["hello"]
        [seconds] = told
        assert 0 < seconds < 30
        events.append(db, "again", "{}")
        assert len(told) == 1


def test_a_store_locked_for_too_long_is_a_clear_error(db, tmp_path):
    with database.open(tmp_path / "store.db") as other:
        other.execute("PRAGMA busy_timeout = 1")
        with (
            database.write(db),
            pytest.raises(StoreError, match="another process keeps it locked"),
        ):
            events.append(other, "hello", "{}")
        events.append(other, "hello", "{}")
    assert len(list(events.since(db, 0))) == 1


def test_reading_page_by_page_does_not_stop_a_write_when_others_write_too(db, tmp_path):
    for _ in range(3):
        events.append(db, "first", "{}")
    reading = events.since(db, 0)
    next(reading)
    with database.open(tmp_path / "store.db") as other:
        events.append(other, "between", "{}")
    events.append(db, "last", "{}")
    assert [event.kind for event in reading] == ["first", "first", "between", "last"]


def test_importing_the_store_loads_no_plugin_and_no_heavy_library():
    code = (
        "import sys, store.tasks, store.journal, store.database as d, store.verdicts\n"
        "print([m for m in ('sqlite_utils', 'torch', 'appliance', 'models') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_backup_is_whole_private_and_opens(db, tmp_path, lax_umask):
    events.append(db, "hello", "{}")
    target = tmp_path / "copy.db"
    backup(db, target)
    assert mode(target) == 0o600
    with database.open(target) as copy:
        assert [event.kind for event in events.since(copy, 0)] == ["hello"]
        assert check(copy) == []


def test_a_backup_never_overwrites(db, tmp_path):
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(StoreError, match="exists already"):
        backup(db, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"


def test_a_backup_into_a_missing_folder_is_a_clear_error(db, tmp_path):
    with pytest.raises(StoreError, match="cannot be written"):
        backup(db, tmp_path / "none" / "copy.db")
