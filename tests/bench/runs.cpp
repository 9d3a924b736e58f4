// SPDX-License-Identifier: Apache-2.0
// Runs of 10,000 steps that call an operation which does nothing, through everything but a plugin: microseconds a step without a record, with one
// that outlives the host (relaxed) and with one that outlives the machine (durable). And what it takes to go on with such a run half done. The peers are what
// cannot be done without: the same calls in a loop, the same rows in SQLite with nothing around them.
#include "bench.hpp"
#include "graphs.hpp"
#include "journal.hpp"
#include "run.hpp"

#include <symphony/sqlite_files/posix_folder.hpp>

#include <openssl/evp.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <thread>
#include <unistd.h>

namespace symphony::bench {
namespace {

using namespace tracker;

constexpr int rounds = 9;
// What SQLite gets for a step is within a few bytes of that.
constexpr std::size_t body_bytes = 60, output_bytes = 12, sum_bytes = 16;
constexpr std::uint32_t group = 500;  // steps that a commit of the peer has, as the journal's have

[[noreturn]] void fail(const std::string& what) {
    std::fprintf(stderr, "bench-runs: %s\n", what.c_str());
    std::exit(1);
}
template <class T>
T must(Result<T> result) {
    if (!result) fail(result.error().message());
    return *std::move(result);
}

struct Folder {
    std::filesystem::path path = std::filesystem::temp_directory_path() / ("symphony-bench-runs-" + std::to_string(::getpid()));
    Folder() { std::filesystem::create_directories(path); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path, ignored);
    }
};

/// One plugin whose operation does nothing. `sends` is one that may do something outside.
std::shared_ptr<const Catalogue> catalogue() {
    Provider provider;
    provider.id = "org.bench.nothing";
    provider.name = "nothing";
    provider.version = "1.0.0";
    provider.concurrent = true;
    provider.operations = {{"do", {}, {{"n", Type(Type::Kind::integer)}}, true}, {"send", {}, {{"n", Type(Type::Kind::integer)}}, false}};
    auto made = std::make_shared<Catalogue>();
    made->add(std::move(provider));
    return made;
}

std::shared_ptr<const Plan> plan_of(const Graph& graph, std::string_view operation) {
    auto plan = std::make_shared<Plan>();
    plan->catalogue = catalogue();
    Workflow& w = plan->workflow;
    w.id = graph.name;
    w.version = "1.0.0";
    const Id plugin = w.names.intern("nothing"), called = w.names.intern(operation);
    w.nodes.resize(steps_count);
    for (Id n = 0; n < steps_count; ++n) {
        w.nodes[n].name = w.names.intern("node-" + std::to_string(n));
        w.nodes[n].plugin = plugin;
        w.nodes[n].operation = called;
    }
    for (const auto& [from, to] : graph.edges) {
        Edge edge;
        edge.from = from;
        edge.to = to;
        edge.kind = EdgeKind::control;
        w.edges.push_back(edge);
    }
    compile(w);
    Findings findings{graph.name};
    plan->binding = validate(w, *plan->catalogue, {}, findings, [] { return steady_now_ns(); });
    if (findings.has_errors()) fail(manifests::format(findings.take()));
    return plan;
}

/// Answers at once.
class Nothing final : public Caller {
public:
    void call(CallRequest request, Progress, Done done) override {
        keep(request);
        done(answer_);
    }
    void cancel_all() noexcept override {}
    void begin_anew() override {}

private:
    const Value answer_ = ValueBuilder().map().add("n", 1).end().build();
};

NewRun new_run(const Plan& plan, Durability durability) {
    NewRun run;
    run.workflow = plan.workflow.id;
    run.version = plan.workflow.version;
    run.path = plan.workflow.id;
    run.inputs = run.options = run.plugins = ValueBuilder().map(0).end().build();
    run.steps = steps_count;
    run.durability = durability;
    return run;
}

RunSettings settings() {
    RunSettings made;
    made.workers = std::max(1u, std::thread::hardware_concurrency());
    made.want_events = false;
    return made;
}

void run_once(const std::shared_ptr<const Plan>& plan, const std::shared_ptr<Caller>& caller, std::shared_ptr<RunLog> log) {
    RunSettings how = settings();
    how.log = log;
    const RunResult result = run_plan(plan, {}, caller, how, {}, {});
    if (result.state != RunResult::State::completed) fail("a run did not complete");
    if (log) must(log->close(RunState::completed));
}

/// The rows of a run in plain SQLite: one prepared statement, WAL, a commit for every 500.
class Plain {
public:
    Plain(const std::string& path, bool durable) {
        if (::sqlite3_open(path.c_str(), &database_) != SQLITE_OK) fail("SQLite does not open");
        run("PRAGMA journal_mode = WAL");
        run(durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
        run("CREATE TABLE IF NOT EXISTS steps(key INTEGER PRIMARY KEY, part INTEGER, body BLOB, output BLOB, sum BLOB)");
        ::sqlite3_prepare_v2(database_, "INSERT INTO steps VALUES(?, 1, ?, ?, ?)", -1, &insert_, nullptr);
    }
    Plain(const Plain&) = delete;
    Plain& operator=(const Plain&) = delete;
    ~Plain() {
        ::sqlite3_finalize(insert_);
        ::sqlite3_close(database_);
    }
    void insert(std::uint32_t rows) {
        const std::vector<std::uint8_t> bytes(body_bytes, 'x');
        for (std::uint32_t i = 0; i < rows; ++i) {
            if (i % group == 0) run("BEGIN IMMEDIATE");
            ::sqlite3_bind_int64(insert_, 1, ++key_);
            ::sqlite3_bind_blob(insert_, 2, bytes.data(), static_cast<int>(body_bytes), SQLITE_STATIC);
            ::sqlite3_bind_blob(insert_, 3, bytes.data(), static_cast<int>(output_bytes), SQLITE_STATIC);
            ::sqlite3_bind_blob(insert_, 4, bytes.data(), static_cast<int>(sum_bytes), SQLITE_STATIC);
            if (::sqlite3_step(insert_) != SQLITE_DONE) fail("SQLite does not insert");
            ::sqlite3_reset(insert_);
            if (i % group == group - 1 || i + 1 == rows) run("COMMIT");
        }
    }
    /// Reads so many of the rows back, with SHA-256 of each, as nobody can do without who is to notice damage.
    void read(std::uint32_t rows) {
        sqlite3_stmt* select = nullptr;
        ::sqlite3_prepare_v2(database_, "SELECT body, output, sum FROM steps ORDER BY key LIMIT ?", -1, &select, nullptr);
        ::sqlite3_bind_int64(select, 1, rows);
        while (::sqlite3_step(select) == SQLITE_ROW) {
            std::uint8_t digest[32];
            ::EVP_Digest(::sqlite3_column_blob(select, 0), static_cast<std::size_t>(::sqlite3_column_bytes(select, 0)), digest, nullptr, ::EVP_sha256(), nullptr);
            keep(digest);
        }
        ::sqlite3_finalize(select);
    }

private:
    void run(const char* sql) {
        if (::sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(::sqlite3_errmsg(database_));
    }
    sqlite3* database_ = nullptr;
    sqlite3_stmt* insert_ = nullptr;
    std::int64_t key_ = 0;
};

std::shared_ptr<Journal> journal_in(const std::filesystem::path& path) {
    Journal::Options options;
    options.runs_max = 4;
    return must(Journal::open(must(sqlite_files::PosixFolder::open(path)), std::move(options)));
}

void measure_shape(Report& report, const Graph& graph, const Folder& folder) {
    const auto plan = plan_of(graph, "do");
    const auto caller = std::make_shared<Nothing>();
    const auto journal = journal_in(folder.path / graph.name);
    Plain relaxed(folder.path / (graph.name + "-relaxed"), false), durable(folder.path / (graph.name + "-durable"), true);
    std::vector<double> off, loop, kept, rows, safe, safe_rows;
    const auto logged = [&](Durability durability) {
        std::shared_ptr<RunLog> log = must(journal->begin(new_run(*plan, durability)));
        if (!log->attach(plan->workflow)) fail("a run does not begin");
        return time_ns(1, [&] { run_once(plan, caller, std::move(log)); }) / steps_count / 1000;
    };
    for (int round = 0; round < rounds; ++round) {
        off.push_back(time_ns(1, [&] { run_once(plan, caller, nullptr); }) / steps_count / 1000);
        loop.push_back(time_ns(1, [&] {
                           for (std::uint32_t i = 0; i < steps_count; ++i) caller->call({}, {}, [](Result<Value> got) { keep(got); });
                       }) / steps_count / 1000);
        kept.push_back(logged(Durability::relaxed));
        rows.push_back(time_ns(1, [&] { relaxed.insert(steps_count); }) / steps_count / 1000);
        safe.push_back(logged(Durability::durable));
        safe_rows.push_back(time_ns(1, [&] { durable.insert(steps_count); }) / steps_count / 1000);
    }
    report.add(graph.name + ": a step, journal off", "us", off, "the same calls in a loop", loop, "");
    report.add(graph.name + ": a step, relaxed", "us", kept, "a row of SQLite, 500 a commit", rows, "");
    report.add(graph.name + ": a step, durable", "us", safe, "a row of SQLite, 500 a commit and sync", safe_rows, "value <= 10");
}

/// Every call may do something outside: it waits until its beginning is on the disk. In a fan many wait for the same sync, in a chain each for its own.
void measure_effects(Report& report, const Folder& folder) {
    const auto plan = plan_of(fan(), "send");
    const auto caller = std::make_shared<Nothing>();
    const auto journal = journal_in(folder.path / "effects");
    Plain durable(folder.path / "effects-durable", true);
    std::vector<double> ours, theirs;
    for (int round = 0; round < rounds; ++round) {
        std::shared_ptr<RunLog> log = must(journal->begin(new_run(*plan, Durability::durable)));
        if (!log->attach(plan->workflow)) fail("a run does not begin");
        ours.push_back(time_ns(1, [&] { run_once(plan, caller, std::move(log)); }) / steps_count / 1000);
        theirs.push_back(time_ns(1, [&] { durable.insert(2 * steps_count); }) / steps_count / 1000);
    }
    report.add("fan of calls with effects: a step, durable", "us", ours, "two rows of SQLite, 500 a commit and sync", theirs, "");
}

/// A run whose first half is on record and whose process is gone.
void make_half(Journal& journal, const Plan& plan) {
    const auto log = must(journal.begin(new_run(plan, Durability::durable)));
    if (!log->attach(plan.workflow)) fail("a run does not begin");
    const Value output = ValueBuilder().map().add("n", 1).end().build();
    for (std::uint32_t i = 0; i < steps_count / 2; ++i) {
        StepEnd end;
        end.calls = end.attempts = 1;
        end.took_ns = 1000;
        end.output = output;
        log->ended(plan.workflow.order[i], std::move(end));
    }
}

void measure_resume(Report& report, const Graph& graph, const Folder& folder) {
    const auto plan = plan_of(graph, "do");
    const auto caller = std::make_shared<Nothing>();
    const auto path = folder.path / (graph.name + "-resume");
    Plain durable(folder.path / (graph.name + "-resume-plain"), true);
    durable.insert(steps_count);
    std::vector<double> begin, all, read, rest;
    for (int round = 0; round < rounds; ++round) {
        make_half(*journal_in(path), *plan);
        const double start = now_ns();
        const auto journal = journal_in(path);  // as another process would
        std::shared_ptr<RunLog> log = must(journal->resume("last"));
        if (!log->attach(plan->workflow)) fail("a run does not go on");
        if (log->steps_kept() != steps_count / 2) fail("what was done is not known");
        begin.push_back((now_ns() - start) / 1e6);
        run_once(plan, caller, std::move(log));
        all.push_back((now_ns() - start) / 1e6);
        read.push_back(time_ns(1, [&] { durable.read(steps_count / 2); }) / 1e6);
        rest.push_back(read.back() + time_ns(1, [&] { durable.insert(steps_count / 2); }) / 1e6);
    }
    report.add(graph.name + " half done: known what is left", "ms", begin, "5,000 rows of SQLite read, with SHA-256", read, "");
    report.add(graph.name + " half done: gone on to its end", "ms", all, "5,000 rows read and 5,000 inserted, 500 a sync", rest, "value <= 300");
}

} // namespace
} // namespace symphony::bench

int main(int argc, char** argv) {
    using namespace symphony::bench;
    Report report("runs", argc, argv);
    const Folder folder;
    for (const Graph& graph : {chain(), fan(), layered(), tree()}) measure_shape(report, graph, folder);
    measure_effects(report, folder);
    for (const Graph& graph : {layered(), chain()}) measure_resume(report, graph, folder);
    return report.write();
}
