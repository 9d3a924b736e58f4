// SPDX-License-Identifier: Apache-2.0
// The store under every fault of tests/support. One invariant: what was acknowledged is never lost and never wrong, and
// every failure says clearly what it is.
#include <symphony/sqlite_files/posix_folder.hpp>
#include "store.hpp"
#include "support/allocations.hpp"
#include "support/bit_flips.hpp"
#include "support/crash_states.hpp"
#include "support/faulty_folder.hpp"
#include "support/fuse_mount.hpp"
#include "support/kill_loop.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <set>
#include <unistd.h>

using namespace symphony;
using namespace symphony::store;
using namespace symphony::test_support;

namespace {

/// Sizes that go different ways: nothing, one small blob, several blocks, many chunks.
constexpr std::size_t sizes[] = {0, 40, 3000, 10'240, 70'000, 200'000};

/// Content number `i`, the same in every process. Every third repeats a part of the one before, so that chunks are shared.
std::string content(std::size_t i) {
    std::mt19937_64 random(i % 3 == 2 ? i - 1 : i);
    std::string text = "content " + std::to_string(i) + "\n";
    while (text.size() < sizes[i % std::size(sizes)]) {
        const std::uint64_t word = random();
        text.append(reinterpret_cast<const char*>(&word), sizeof word);
    }
    return text;
}

/// SYMPHONY_FAULTS=full: every state, sync and byte instead of the sample that ctest takes.
bool is_full() {
    const char* wish = std::getenv("SYMPHONY_FAULTS");
    return wish != nullptr && std::string_view(wish) == "full";
}

enum class Sealed : bool { no, yes };

Secret key() { return Secret::key_file(bytes_of("thirty-two bytes of a key for tests, and more")); }

Status init_store(Folder& folder, Sealed sealed) {
    InitOptions options;
    options.profile = Profile::text;
    if (sealed == Sealed::yes) options.secrets.push_back(key());
    return Store::init(folder, std::move(options));
}

Result<std::unique_ptr<Store>> open_store(std::shared_ptr<Folder> folder, Sealed sealed) {
    OpenOptions options;
    options.owner = "the faults test";
    if (sealed == Sealed::yes) options.secret = key();
    return Store::open(std::move(folder), std::move(options));
}

/// A borrowed folder where the store wants to share one.
std::shared_ptr<Folder> lend(Folder& folder) { return {std::shared_ptr<Folder>(), &folder}; }

/// What the program was told: "put 3 <id>" and so on. What is being removed may be there or not.
class Told {
public:
    void hear(const std::string& line) {
        const std::size_t space = line.find(' ', 4);
        if (line.starts_with("put ")) here_[std::stoul(line.substr(4, space - 4))] = line.substr(space + 1);
        if (line.starts_with("del ")) here_.erase(std::stoul(line.substr(4)));
        if (line == "init") init_ = true;
    }
    static Told all(const std::vector<std::string>& lines) {
        Told told;
        for (const std::string& line : lines) told.hear(line);
        return told;
    }
    bool has_store() const { return init_ || !here_.empty(); }
    const std::map<std::size_t, std::string>& here() const { return here_; }

private:
    std::map<std::size_t, std::string> here_;
    bool init_ = false;
};

std::string line_of(std::size_t i, const ContentId& id) { return "put " + std::to_string(i) + " " + id.hex(); }

/// All that was told is there and right. @return "" or what is wrong.
std::string check_contents(Store& store, const Told& told) {
    for (const auto& [i, id] : told.here()) {
        const auto found = store.get(*Digest::parse(id));
        if (!found) return "content " + std::to_string(i) + " is lost: " + std::string(found.error().reason()) + ": " + found.error().message();
        if (found->text() != content(i)) return "content " + std::to_string(i) + " is wrong";
        const auto named = store.info("name-" + std::to_string(i));
        if (!named) return "the name of content " + std::to_string(i) + " is lost: " + named.error().message();
        if (named->id.hex() != id) return "the name of content " + std::to_string(i) + " leads elsewhere";
    }
    return "";
}

/// Opens it as after a restart, looks at everything, and works with it.
std::string check_store(Folder& folder, Sealed sealed, const Told& told) {
    auto store = open_store(lend(folder), sealed);
    if (!store && !told.has_store()) return store.error().message().empty() ? "an error without words" : "";
    if (!store) return "cannot be opened: " + std::string(store.error().reason()) + ": " + store.error().message();
    if (std::string problem = check_contents(**store, told); !problem.empty()) return problem;
    const auto verified = (*store)->verify({.depth = Depth::data});
    if (!verified && verified.error().code() != Code::unsupported) return "cannot be verified: " + verified.error().message();
    if (verified && !verified->good()) return "verify finds: " + verified->findings[0].where + ": " + verified->findings[0].text;
    if (const auto more = (*store)->put(bytes_of("one more"), {}); !more) return "takes nothing more: " + more.error().message();
    if (const Status closed = (*store)->close(); !closed) return "cannot be closed: " + closed.error().message();
    return "";
}

/// A failure that a person can act on.
std::string check_error(const Error& error) {
    const Code clear[] = {Code::io, Code::exhausted, Code::data_corrupt, Code::busy, Code::not_found, Code::refused};
    const bool good = std::find(std::begin(clear), std::end(clear), error.code()) != std::end(clear) && !error.message().empty();
    return good ? "" : "an unclear error: " + std::string(name_of(error.code())) + " / " + std::string(error.reason()) + ": " + error.message();
}

using Tell = std::function<void(const std::string&)>;

enum class How { whole, in_parts, in_a_group };

Result<ContentId> put(Store& store, std::size_t i, How how) {
    const std::string text = content(i);
    PutOptions options;
    options.name = "name-" + std::to_string(i);
    options.tags = {"even", "faults"};
    if (how == How::whole) return SYMPHONY_TRY(store.put(bytes_of(text), options)).id;
    if (how == How::in_a_group) {
        const PutItem items[] = {{bytes_of(text), options}, {bytes_of("beside every group"), {}}};
        return SYMPHONY_TRY(std::move(store.put_group(items).front())).id;
    }
    auto stream = SYMPHONY_TRY(store.begin_put(options));
    for (std::size_t at = 0; at < text.size(); at += 9000) SYMPHONY_TRY(stream->append(bytes_of(std::string_view(text).substr(at, 9000))));
    return SYMPHONY_TRY(stream->finish()).id;
}

/// A bit of everything: puts of all sizes, a removal, a collection. Ends with the first error.
Status work(Store& store, std::size_t first, std::size_t count, const Tell& tell) {
    ContentId last{};
    for (std::size_t i = first; i < first + count; ++i) {
        last = SYMPHONY_TRY(put(store, i, static_cast<How>(i % 3)));
        tell(line_of(i, last));
    }
    if (count < 3) return {};
    tell("del " + std::to_string(first + count - 1));
    SYMPHONY_TRY(store.remove(last));
    const auto collected = store.collect({});
    if (!collected && collected.error().code() != Code::unsupported) return collected.error();
    return {};
}

std::unique_ptr<MemoryFolder> made_store(Sealed sealed, std::size_t count, Told& told) {
    auto folder = std::make_unique<MemoryFolder>();
    EXPECT_TRUE(init_store(*folder, sealed));
    auto store = open_store(lend(*folder), sealed);
    if (!store) {
        ADD_FAILURE() << store.error().message();
        return folder;
    }
    for (std::size_t i = 0; i < count; ++i) {
        const auto id = put(**store, i, How::whole);
        EXPECT_TRUE(id) << id.error().message();
        if (id) told.hear(line_of(i, *id));
    }
    EXPECT_TRUE((*store)->close());
    return folder;
}

class StoreFaults : public ::testing::TestWithParam<Sealed> {};
INSTANTIATE_TEST_SUITE_P(All, StoreFaults, ::testing::Values(Sealed::no, Sealed::yes), [](const auto& test) { return test.param == Sealed::yes ? "sealed" : "plain"; });

} // namespace

TEST_P(StoreFaults, KeepsWhatItAcknowledgedWhateverAPowerCutLeaves) {
    RecordingFolder folder;
    const Tell tell = [&](const std::string& line) { folder.note(line); };
    ASSERT_TRUE(init_store(folder, GetParam()));
    tell("init");
    for (std::size_t session = 0; session < 2; ++session) {
        auto store = open_store(lend(folder), GetParam());
        ASSERT_TRUE(store) << store.error().message();
        const Status done = work(**store, session * 4, 4, tell);
        ASSERT_TRUE(done) << done.error().message();
        ASSERT_TRUE((*store)->close());
    }
    const CrashOptions options{.seed = 3, .samples_per_point = 3, .points_max = is_full() ? 0u : 40u};
    const CrashReport report = try_crash_states(folder, options, [&](CrashState& state) { return check_store(state.folder, GetParam(), Told::all(state.notes)); });
    EXPECT_TRUE(report.good()) << report.text();
    EXPECT_GT(report.states, 300u) << report.text();
}

TEST_P(StoreFaults, LosesNothingWhicheverCallFails) {
    Told before;
    const auto begin = made_store(GetParam(), 3, before);
    for (const FaultKind kind : {FaultKind::io, FaultKind::disk_full, FaultKind::sync}) {
        for (const bool sticky : {false, true}) {
            SCOPED_TRACE(std::string(name_of(kind)) + (sticky ? ", sticky" : ""));
            const FaultReport report = try_fault_at_every_call(kind, sticky, *begin, [&](FaultyFolder& folder) {
                Told told = before;
                std::string problem;
                {
                    auto store = open_store(lend(folder), GetParam());
                    if (!store) problem = check_error(store.error());
                    if (store) {
                        const Status done = work(**store, 3, 3, [&](const std::string& line) { told.hear(line); });
                        if (!done) problem = check_error(done.error());
                        static_cast<void>((*store)->close());
                    }
                }
                folder.heal();
                return problem.empty() ? check_store(folder, GetParam(), told) : problem;
            });
            EXPECT_TRUE(report.good()) << report.text();
        }
    }
}

TEST_P(StoreFaults, TrustsNothingThatAFailedSyncLeft) {
    // What the disk did not take is still read, until the power goes. Whoever goes on behind it loses what it says next.
    std::size_t states = 0;
    for (std::uint64_t nth = 1; nth < 300; nth += is_full() ? 1 : 4) {
        Told before;
        const auto begin = made_store(GetParam(), 2, before);
        RecordingFolder folder(*begin);
        for (const auto& [i, id] : before.here()) folder.note("put " + std::to_string(i) + " " + id);
        folder.fail_sync(nth);
        for (std::size_t tries = 0; tries < 3; ++tries) {
            const auto store = open_store(lend(folder), GetParam());
            if (!store) {
                EXPECT_EQ(check_error(store.error()), "");
                continue;
            }
            // On goes a caller that does not care, in the same store and in the next.
            for (std::size_t i = 0; i < 2; ++i) {
                const Status done = work(**store, 2 + tries * 4 + i * 2, 2, [&](const std::string& line) { folder.note(line); });
                EXPECT_EQ(done ? "" : check_error(done.error()), "");
            }
            static_cast<void>((*store)->close());
        }
        const CrashOptions options{.seed = nth, .samples_per_point = 1, .points_max = is_full() ? 12u : 4u};
        const CrashReport report = try_crash_states(folder, options, [&](CrashState& state) { return check_store(state.folder, GetParam(), Told::all(state.notes)); });
        EXPECT_TRUE(report.good()) << "sync " << nth << " fails: " << report.text();
        states += report.states;
        if (!folder.sync_failed() || HasFailure()) break;
    }
    EXPECT_GT(states, 100u);
}

TEST_P(StoreFaults, StaysOpenAfterAPassingFault) {
    // The disk was full for a moment: the same open store goes on, or says that it cannot.
    Told before;
    const auto begin = made_store(GetParam(), 2, before);
    std::size_t went_on = 0;
    for (std::uint64_t call = 1; call < 2000; ++call) {
        MemoryFolder inner(*begin);
        FaultyFolder folder(inner);
        Told told = before;
        auto opened = open_store(lend(folder), GetParam());
        ASSERT_TRUE(opened) << opened.error().message();
        std::unique_ptr<Store> store = *std::move(opened);
        folder.arm({FaultKind::disk_full, call, true});
        const Status full = work(*store, 2, 2, [&](const std::string& line) { told.hear(line); });
        const bool fired = folder.fired();
        EXPECT_EQ(full ? "" : check_error(full.error()), "") << folder.fired_at();
        folder.heal();
        const Status again = work(*store, 4, 2, [&](const std::string& line) { told.hear(line); });
        went_on += again ? 1 : 0;
        EXPECT_EQ(again ? "" : check_error(again.error()), "") << folder.fired_at();
        EXPECT_EQ(check_contents(*store, told), "") << "call " << call << ", " << folder.fired_at();
        static_cast<void>(store->close());
        store.reset();
        EXPECT_EQ(check_store(folder, GetParam(), told), "") << "call " << call;
        if (!fired || HasFailure()) break;
    }
    EXPECT_GT(went_on, 0u);
}

TEST_P(StoreFaults, LosesNothingWhicheverAllocationFails) {
    Told before;
    const auto begin = made_store(GetParam(), 2, before);
    std::size_t runs = 0;
    for (std::uint64_t at = 1; at < 1'000'000; at += 1 + at / 8) {
        MemoryFolder folder(*begin);
        Told told = before;
        bool fired = false;
        try {
            auto store = open_store(lend(folder), GetParam());
            ASSERT_TRUE(store) << store.error().message();
            AllocationFault fault(at);
            try {
                const auto id = put(**store, 2, How::whole);
                const auto second = put(**store, 3, How::in_parts);
                fault.heal();
                fired = fault.fired();
                if (id) told.hear(line_of(2, *id));
                if (second) told.hear(line_of(3, *second));
            } catch (const std::bad_alloc&) {
                fault.heal();
                fired = true;
            }
        } catch (const std::bad_alloc&) {
            ADD_FAILURE() << "thrown outside of the fault, at " << at;
        }
        EXPECT_EQ(check_store(folder, GetParam(), told), "") << "allocation " << at;
        if (!fired || HasFailure()) break;
        ++runs;
    }
    EXPECT_GT(runs, 20u);
}

TEST_P(StoreFaults, SurvivesBeingKilledInTheMidstOfItsWork) {
    std::string name = (std::filesystem::temp_directory_path() / "symphony-store-kill-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    const std::filesystem::path top = name;
    ASSERT_TRUE(init_store(**PosixFolder::open(top / "store"), GetParam()));
    std::size_t next = 0;
    const Worker worker = [&](int ledger) {
        const std::shared_ptr<Folder> folder = *PosixFolder::open(top / "store");
        const auto store = open_store(folder, GetParam());
        if (!store) return 1;
        for (std::size_t i = next;; i += 3) {
            if (!work(**store, i, 3, [&](const std::string& line) { acknowledge(ledger, line); })) return 2;
        }
    };
    const KillOptions options{.seed = 5, .rounds = kill_rounds(6), .lines_max = 30, .delay_us_max = 5000};
    const KillReport report = run_kill_loop(worker, options, [&](const std::vector<std::string>& ledger, std::size_t) {
        const Told told = Told::all(ledger);
        for (const std::string& line : ledger) next = std::max<std::size_t>(next, std::stoul(line.substr(4)) + 3);
        const auto folder = *PosixFolder::open(top / "store");
        return check_store(*folder, GetParam(), told);
    });
    EXPECT_TRUE(report.good()) << report.text();
    std::filesystem::remove_all(top);
}

TEST_P(StoreFaults, KeepsWhatItAcknowledgedOnARealFileSystemThatForgets) {
    auto mount = ForgetfulMount::start();
    if (!mount && mount.error().code() == Code::unsupported) GTEST_SKIP() << mount.error().message();
    ASSERT_TRUE(mount) << mount.error().message();
    const std::filesystem::path top = (*mount)->path() / "store";
    std::size_t next = 0;
    bool made = false;
    const Worker worker = [&](int ledger) {
        const std::shared_ptr<Folder> folder = *PosixFolder::open(top);
        if (!made && !init_store(*folder, GetParam())) return 1;
        if (!made) acknowledge(ledger, "init");
        const auto store = open_store(folder, GetParam());
        if (!store) return 2;
        for (std::size_t i = next;; i += 3) {
            if (!work(**store, i, 3, [&](const std::string& line) { acknowledge(ledger, line); })) return 3;
        }
    };
    const KillOptions options{.seed = 6, .rounds = kill_rounds(5), .lines_max = 15, .delay_us_max = 5000};
    const KillReport report = run_kill_loop(worker, options, [&](const std::vector<std::string>& ledger, std::size_t) -> std::string {
        made = true;
        for (const std::string& line : ledger) next = line == "init" ? next : std::max<std::size_t>(next, std::stoul(line.substr(4)) + 3);
        if (const Status forgot = (*mount)->command("forget"); !forgot) return forgot.error().message();
        const auto folder = *PosixFolder::open(top);
        return check_store(*folder, GetParam(), Told::all(ledger));
    });
    EXPECT_TRUE(report.good()) << report.text();
}

TEST_P(StoreFaults, SaysWhichCallsOfARealFileSystemFail) {
    auto mount = ForgetfulMount::start();
    if (!mount && mount.error().code() == Code::unsupported) GTEST_SKIP() << mount.error().message();
    ASSERT_TRUE(mount) << mount.error().message();
    const std::shared_ptr<Folder> folder = *PosixFolder::open((*mount)->path() / "store");
    ASSERT_TRUE(init_store(*folder, GetParam()));
    Told told;
    const char* rules[] = {"fail write 2 ENOSPC *", "fail fsync 1 EIO *", "fail fsync 2 EIO *", "fail fsyncdir 1 EIO *", "fail rename 1 EIO *", "fail create 1 ENOSPC *", "fail read 1 EIO *", "fail write 1 EIO *index*"};
    std::size_t i = 0;
    for (const char* rule : rules) {
        SCOPED_TRACE(rule);
        {
            const auto store = open_store(folder, GetParam());
            ASSERT_TRUE(store) << store.error().message();
            ASSERT_TRUE((*mount)->command(rule));
            const Status done = work(**store, i, 2, [&](const std::string& line) { told.hear(line); });
            EXPECT_EQ(done ? "" : check_error(done.error()), "");
            static_cast<void>((*store)->close());
        }
        ASSERT_TRUE((*mount)->command("well"));
        ASSERT_TRUE((*mount)->command("forget"));
        EXPECT_EQ(check_store(*folder, GetParam(), told), "");
        i += 2;
    }
    EXPECT_GT((*mount)->fired(), 3u);
}

TEST_P(StoreFaults, NeverReturnsWhatWasDamaged) {
    Told told;
    const auto begin = made_store(GetParam(), 6, told);
    std::size_t named = 0;
    const FlipOptions options{.seed = 9, .flips_max = is_full() ? 0u : 400u};
    const FlipReport report = try_bit_flips(*begin, options, [&](MemoryFolder& damaged, const Flip& flip) -> std::string {
        auto store = open_store(lend(damaged), GetParam());
        if (!store) {
            ++named;
            return damage_of(store.error()) ? "" : "opening says " + std::string(store.error().reason()) + ": " + store.error().message();
        }
        bool lost = false;
        for (const auto& [i, id] : told.here()) {
            const auto found = (*store)->get(*Digest::parse(id));
            if (found && found->text() != content(i)) return "content " + std::to_string(i) + " is wrong";
            if (found) continue;
            lost = true;
            if (!damage_of(found.error())) return "content " + std::to_string(i) + ": " + std::string(found.error().reason()) + ": " + found.error().message();
        }
        named += lost ? 1 : 0;
        const auto verified = (*store)->verify({.depth = Depth::data});
        if (lost && verified && verified->good()) return "verify finds nothing";
        static_cast<void>(flip);
        return "";
    });
    EXPECT_TRUE(report.good()) << report.text();
    EXPECT_GT(named, 50u) << "hardly any damage was seen at all";
}
