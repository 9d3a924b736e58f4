// SPDX-License-Identifier: Apache-2.0
#include <symphony/permissions/store.hpp>

#include "chain.hpp"
#include "sqlite.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <mutex>

#include <unistd.h>

namespace symphony::permissions {
namespace {

constexpr const char* file_name = "permissions.sqlite";
constexpr const char* schema = R"(
    CREATE TABLE grants(
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      publisher TEXT NOT NULL, plugin TEXT NOT NULL, object TEXT NOT NULL,
      scope TEXT NOT NULL CHECK(scope IN ('once', 'run', 'until', 'always')),
      expires_ms INTEGER NOT NULL, origin TEXT NOT NULL, granted_ms INTEGER NOT NULL,
      set_digest TEXT NOT NULL, run TEXT NOT NULL,
      UNIQUE(publisher, plugin, object)) STRICT;
    CREATE TABLE denials(
      publisher TEXT NOT NULL, plugin TEXT NOT NULL, object TEXT NOT NULL, times INTEGER NOT NULL,
      PRIMARY KEY(publisher, plugin, object)) STRICT;
    CREATE TABLE consents(
      plugin TEXT PRIMARY KEY, publisher TEXT NOT NULL, set_digest TEXT NOT NULL, rights TEXT NOT NULL,
      agreed_ms INTEGER NOT NULL) STRICT;)";

std::optional<Scope> read_scope(std::string_view text) {
    for (const Scope scope : {Scope::once, Scope::run, Scope::until, Scope::always}) {
        if (name_of(scope) == text) return scope;
    }
    return std::nullopt;
}

/// When a process began, in the kernel's ticks: tells it from a later one of the same number. 0: there is none.
std::string began(const std::string& pid) {
    std::ifstream stream("/proc/" + pid + "/stat");
    std::string text;
    std::getline(stream, text, '\0'); // no iterator: one throws when the process goes between open and read
    auto at = text.rfind(')'); // the program's name may hold anything
    if (at == std::string::npos) return "0";
    for (int field = 2; field < 22; ++field) {
        at = text.find(' ', at + 1);
        if (at == std::string::npos) return "0";
    }
    return text.substr(at + 1, text.find(' ', at + 1) - at - 1);
}

std::string boot() {
    std::ifstream stream("/proc/sys/kernel/random/boot_id");
    std::string text;
    std::getline(stream, text);
    return text.substr(0, 8);
}

/// "boot-pid-began-random"
std::string this_run() {
    const std::string pid = std::to_string(::getpid());
    return boot() + "-" + pid + "-" + began(pid) + "-" + sha256_hex(random_bytes(16)).substr(0, 8);
}

bool is_alive(const std::string& run) {
    const auto first = run.find('-');
    const auto second = run.find('-', first + 1);
    const auto third = run.find('-', second + 1);
    if (first == std::string::npos || second == std::string::npos || third == std::string::npos) return false;
    const std::string pid = run.substr(first + 1, second - first - 1);
    return run.substr(0, first) == boot() && began(pid) == run.substr(second + 1, third - second - 1);
}

} // namespace

std::string_view name_of(Scope scope) noexcept {
    switch (scope) {
    case Scope::once: return "once";
    case Scope::run: return "run";
    case Scope::until: return "until";
    case Scope::always: break;
    }
    return "always";
}

struct Store::Impl {
    std::filesystem::path folder;
    Clock clock;
    const std::string run = this_run();
    mutable std::mutex mutex;
    mutable Database db;
    mutable std::int64_t version = -1;
    mutable std::vector<std::string> warnings;
    // Of this run only.
    std::vector<Grant> grants;
    std::vector<Contents::Denial> denials;
    std::vector<Consent> consents;
    std::int64_t next_id = -1;

    void opened(const Database::Kept& kept) const {
        if (!kept.warning.empty()) warnings.push_back(kept.warning);
        version = -1;
    }
    /// What SQLite said; a file that turned out to be damaged is replaced by an empty one first.
    Error failed(const Error& error) const {
        if (error.reason() == "damaged") opened(db.replace(folder, file_name, schema, "grants", error.message()));
        return Error(error).in("the store of grants");
    }
    Status sweep() const {
        auto expired = db.prepare("DELETE FROM grants WHERE scope = 'until' AND expires_ms <= ?");
        expired.bind(1, clock()).step();
        SYMPHONY_TRY(expired.status());
        std::vector<std::string> dead;
        {
            auto runs = db.prepare("SELECT DISTINCT run FROM grants WHERE run <> ''");
            while (runs.step()) {
                if (!is_alive(runs.text(0))) dead.push_back(runs.text(0));
            }
            SYMPHONY_TRY(runs.status());
        }
        for (const auto& gone : dead) {
            auto removed = db.prepare("DELETE FROM grants WHERE run = ?");
            removed.bind(1, gone).step();
            SYMPHONY_TRY(removed.status());
        }
        return {};
    }
};

Store::Store(std::filesystem::path state_dir, Clock clock) : impl_(std::make_unique<Impl>()) {
    impl_->folder = std::move(state_dir);
    impl_->clock = std::move(clock);
    impl_->opened(impl_->db.open_or_make(impl_->folder, file_name, schema, "grants"));
    if (!impl_->db.is_open()) return;
    if (const Status swept = impl_->sweep(); !swept && swept.error().code() != Code::busy) static_cast<void>(impl_->failed(swept.error()));
}

Store::~Store() {
    if (!impl_->db.is_open()) return;
    auto mine = impl_->db.prepare("DELETE FROM grants WHERE run = ?");
    mine.bind(1, impl_->run).step();
}

bool Store::persistent() const noexcept {
    const std::lock_guard lock(impl_->mutex);
    return impl_->db.is_open();
}
std::vector<std::string> Store::warnings() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->warnings;
}
const std::string& Store::run() const noexcept { return impl_->run; }

Result<Contents> Store::read() const {
    const std::lock_guard lock(impl_->mutex);
    Contents all;
    Database& db = impl_->db;
    const std::int64_t now = impl_->clock();
    if (db.is_open()) {
        const auto load = [&]() -> Status {
            impl_->version = db.data_version(); // before the rows: a change in between is seen again
            auto grants = db.prepare("SELECT id, publisher, plugin, object, scope, expires_ms, origin, granted_ms, set_digest, run FROM grants ORDER BY id");
            while (grants.step()) {
                auto right = Right::parse(grants.text(3));
                const auto scope = read_scope(grants.text(4));
                if (!right || !scope) continue; // written by a newer program, perhaps: it grants nothing here
                Grant grant{grants.number(0), grants.text(1), grants.text(2), *std::move(right), *scope, grants.number(5),
                            grants.text(6), grants.number(7), grants.text(8), grants.text(9)};
                if (grant.scope == Scope::until && grant.expires_ms <= now) continue;
                if (!grant.run.empty() && grant.run != impl_->run) continue;
                all.grants.push_back(std::move(grant));
            }
            SYMPHONY_TRY(grants.status());
            auto denials = db.prepare("SELECT publisher, plugin, object, times FROM denials");
            while (denials.step()) {
                if (auto right = Right::parse(denials.text(2))) {
                    all.denials.push_back({denials.text(0), denials.text(1), *std::move(right), static_cast<int>(denials.number(3))});
                }
            }
            SYMPHONY_TRY(denials.status());
            auto consents = db.prepare("SELECT publisher, plugin, set_digest, rights, agreed_ms FROM consents ORDER BY plugin");
            while (consents.step()) {
                if (auto rights = RightSet::parse(consents.text(3))) {
                    all.consents.push_back({consents.text(0), consents.text(1), consents.text(2), *std::move(rights), consents.number(4)});
                }
            }
            return consents.status();
        };
        if (const Status loaded = load(); !loaded) return impl_->failed(loaded.error());
    }
    std::erase_if(impl_->grants, [now](const Grant& grant) { return grant.scope == Scope::until && grant.expires_ms <= now; });
    all.grants.insert(all.grants.end(), impl_->grants.begin(), impl_->grants.end());
    all.denials.insert(all.denials.end(), impl_->denials.begin(), impl_->denials.end());
    all.consents.insert(all.consents.end(), impl_->consents.begin(), impl_->consents.end());
    return all;
}

bool Store::changed() const {
    const std::lock_guard lock(impl_->mutex);
    return impl_->db.is_open() && impl_->db.data_version() != impl_->version;
}

Status Store::grant(Grant grant, bool persist) {
    const std::lock_guard lock(impl_->mutex);
    grant.granted_ms = impl_->clock();
    std::erase_if(impl_->grants, [&](const Grant& old) { return old.publisher == grant.publisher && old.plugin == grant.plugin && old.right == grant.right; });
    std::erase_if(impl_->denials, [&](const Contents::Denial& old) { return old.publisher == grant.publisher && old.plugin == grant.plugin && grant.right.covers(old.right); });
    Database& db = impl_->db;
    const auto write = [&]() -> Status {
        Transaction change(db);
        if (!change.begun()) return change.begun();
        if (persist) {
            auto insert = db.prepare("INSERT OR REPLACE INTO grants(publisher, plugin, object, scope, expires_ms, origin, granted_ms, set_digest, run) "
                                     "VALUES(?, ?, ?, ?, ?, ?, ?, ?, '')");
            insert.bind(1, grant.publisher).bind(2, grant.plugin).bind(3, grant.right.text()).bind(4, name_of(grant.scope));
            insert.bind(5, grant.scope == Scope::until ? grant.expires_ms : 0).bind(6, grant.origin).bind(7, grant.granted_ms).bind(8, grant.set_digest).step();
            SYMPHONY_TRY(insert.status());
        }
        // Who grants has changed their mind about earlier answers.
        auto forget = db.prepare("DELETE FROM denials WHERE publisher = ? AND plugin = ? AND object = ?");
        forget.bind(1, grant.publisher).bind(2, grant.plugin).bind(3, grant.right.text()).step();
        SYMPHONY_TRY(forget.status());
        return change.commit();
    };
    if (db.is_open()) {
        if (const Status written = write(); !written) return impl_->failed(written.error());
    }
    if (!persist || !db.is_open()) {
        grant.id = impl_->next_id--;
        grant.run = grant.scope == Scope::run ? impl_->run : "";
        impl_->grants.push_back(std::move(grant));
    }
    return {};
}

Result<int> Store::revoke(std::string_view publisher, std::string_view plugin, const Right* right) {
    const std::lock_guard lock(impl_->mutex);
    const auto meant = [&](std::string_view of_publisher, std::string_view of_plugin, const Right& of_right) {
        return of_plugin == plugin && (publisher.empty() || of_publisher == publisher) && (right == nullptr || right->covers(of_right));
    };
    int count = static_cast<int>(std::erase_if(impl_->grants, [&](const Grant& old) { return meant(old.publisher, old.plugin, old.right); }));
    std::erase_if(impl_->denials, [&](const Contents::Denial& old) { return meant(old.publisher, old.plugin, old.right); });
    Database& db = impl_->db;
    if (!db.is_open()) return count;
    const auto write = [&]() -> Status {
        Transaction change(db);
        if (!change.begun()) return change.begun();
        for (const bool denials : {false, true}) {
            std::vector<std::int64_t> rows;
            auto all = db.prepare(denials ? "SELECT rowid, publisher, object FROM denials WHERE plugin = ?" : "SELECT id, publisher, object FROM grants WHERE plugin = ?");
            all.bind(1, plugin);
            while (all.step()) {
                const auto of = Right::parse(all.text(2));
                // One that cannot be read goes with all others.
                if (of ? meant(all.text(1), plugin, *of) : right == nullptr) rows.push_back(all.number(0));
            }
            SYMPHONY_TRY(all.status());
            for (const auto row : rows) {
                auto gone = db.prepare(denials ? "DELETE FROM denials WHERE rowid = ?" : "DELETE FROM grants WHERE id = ?");
                gone.bind(1, row).step();
                SYMPHONY_TRY(gone.status());
                if (!denials) count += static_cast<int>(db.changes());
            }
        }
        return change.commit();
    };
    if (const Status written = write(); !written) return impl_->failed(written.error());
    return count;
}

Result<bool> Store::claim(const Grant& grant) {
    const std::lock_guard lock(impl_->mutex);
    if (grant.scope == Scope::always || grant.scope == Scope::until) return true;
    if (grant.id < 0) {
        const auto found = std::find_if(impl_->grants.begin(), impl_->grants.end(), [&](const Grant& one) { return one.id == grant.id; });
        if (found == impl_->grants.end()) return false;
        if (grant.scope == Scope::once) impl_->grants.erase(found);
        return true;
    }
    Database& db = impl_->db;
    if (!db.is_open()) return false;
    auto taken = db.prepare(grant.scope == Scope::once ? "DELETE FROM grants WHERE id = ?1 AND ?2 <> ''"
                                                       : "UPDATE grants SET run = ?2 WHERE id = ?1 AND run IN ('', ?2)");
    taken.bind(1, grant.id).bind(2, impl_->run).step();
    if (const Status status = taken.status(); !status) return impl_->failed(status.error());
    return db.changes() == 1;
}

Result<int> Store::deny(std::string_view publisher, std::string_view plugin, const Right& right) {
    const std::lock_guard lock(impl_->mutex);
    Database& db = impl_->db;
    if (db.is_open()) {
        auto add = db.prepare("INSERT INTO denials VALUES(?, ?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1 RETURNING times");
        add.bind(1, publisher).bind(2, plugin).bind(3, right.text());
        if (add.step()) {
            const int times = static_cast<int>(add.number(0));
            while (add.step()) {}
            return times;
        }
        return impl_->failed(add.status() ? Error(Code::io, "io", "no answer") : add.status().error());
    }
    for (auto& old : impl_->denials) {
        if (old.publisher == publisher && old.plugin == plugin && old.right == right) return ++old.times;
    }
    impl_->denials.push_back({std::string(publisher), std::string(plugin), right, 1});
    return 1;
}

Status Store::agree(const Consent& consent) {
    const std::lock_guard lock(impl_->mutex);
    Database& db = impl_->db;
    if (db.is_open()) {
        auto write = db.prepare("INSERT OR REPLACE INTO consents VALUES(?, ?, ?, ?, ?)");
        write.bind(1, consent.plugin).bind(2, consent.publisher).bind(3, consent.set_digest).bind(4, consent.rights.text()).bind(5, impl_->clock()).step();
        if (const Status status = write.status(); !status) return impl_->failed(status.error());
        return {};
    }
    std::erase_if(impl_->consents, [&](const Consent& old) { return old.plugin == consent.plugin; });
    impl_->consents.push_back(consent);
    impl_->consents.back().agreed_ms = impl_->clock();
    return {};
}

Status Store::forget_consent(std::string_view plugin) {
    const std::lock_guard lock(impl_->mutex);
    std::erase_if(impl_->consents, [&](const Consent& old) { return old.plugin == plugin; });
    if (!impl_->db.is_open()) return {};
    auto gone = impl_->db.prepare("DELETE FROM consents WHERE plugin = ?");
    gone.bind(1, plugin).step();
    if (const Status status = gone.status(); !status) return impl_->failed(status.error());
    return {};
}

} // namespace symphony::permissions
