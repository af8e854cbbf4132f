// SPDX-License-Identifier: BSL-1.0
#include "database.hpp"

#include "text.hpp"

#include <sqlite3.h>

#include <system_error>

void database::close::operator()(sqlite3* d) const noexcept { sqlite3_close(d); }
void database::close::operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }

void database::fail() const {
    std::string why = sqlite3_errmsg(connection_.get());
    if (const int error = sqlite3_system_errno(connection_.get()); error != 0)
        why += " (" + std::generic_category().message(error) + ")";
    throw database_error("cannot write the database " + for_terminal(file_) + ": " + why);
}

void database::execute(const char* sql) {
    if (sqlite3_exec(connection_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail();
}

database::database(const std::filesystem::path& file) : file_(file.string()) {
    sqlite3* made = nullptr;
    const int opened = sqlite3_open_v2(file.c_str(), &made, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr);
    connection_.reset(made);
    if (opened != SQLITE_OK) fail();
    // With a write-ahead log a note is one write, and no wait for the disk. Exclusive: another run of this program must
    // not empty the table meanwhile; it is told that the database is locked.
    execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
    execute(
        "CREATE TABLE IF NOT EXISTS overlap"
        "(run TEXT NOT NULL, name BLOB NOT NULL, size INTEGER NOT NULL, sha256 TEXT NOT NULL, milliseconds REAL NOT "
        "NULL)");
    execute("DELETE FROM overlap");
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(made, "INSERT INTO overlap VALUES(?, ?, ?, ?, ?)", -1, &statement, nullptr) != SQLITE_OK)
        fail();
    insert_.reset(statement);
}

void database::insert(const note& n) {
    sqlite3_stmt* const s = insert_.get();
    const auto text = [s](int at, const std::string& value) {
        sqlite3_bind_text(s, at, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
    };
    text(1, n.run);
    text(2, n.name);
    sqlite3_bind_int64(s, 3, static_cast<sqlite3_int64>(n.size));
    text(4, n.hash);
    sqlite3_bind_double(s, 5, n.milliseconds);
    const int result = sqlite3_step(s);
    if (result != SQLITE_DONE) {
        sqlite3_reset(s);
        fail();
    }
    sqlite3_reset(s);
}

std::vector<note> database::all() {
    sqlite3_stmt* made = nullptr;
    if (sqlite3_prepare_v2(connection_.get(), "SELECT * FROM overlap", -1, &made, nullptr) != SQLITE_OK) fail();
    const std::unique_ptr<sqlite3_stmt, close> s(made);
    const auto text = [&](int at) {
        const auto* bytes = static_cast<const char*>(sqlite3_column_blob(s.get(), at));
        return std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(s.get(), at)));
    };
    std::vector<note> notes;
    int result = SQLITE_OK;
    while ((result = sqlite3_step(s.get())) == SQLITE_ROW)
        notes.push_back({text(0), text(1), static_cast<std::uintmax_t>(sqlite3_column_int64(s.get(), 2)), text(3),
                         sqlite3_column_double(s.get(), 4)});
    if (result != SQLITE_DONE) fail();
    return notes;
}
