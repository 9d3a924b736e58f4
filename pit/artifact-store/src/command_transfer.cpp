// SPDX-License-Identifier: Apache-2.0
// `artifact export`, `import` and `sync`: from one store to another.
#include "atomic_file.hpp"
#include "commands.hpp"
#include "json_text.hpp"
#include "port_records.hpp"
#include "words.hpp"

namespace symphony::store {
namespace {

Result<std::int32_t> tell(CommandLine& line, const std::vector<std::pair<std::string, TransferReport>>& reports) {
    if (line.json()) {
        ValueBuilder out;
        out.map();
        for (const auto& [what, report] : reports) {
            out.key(what).map().add("artifacts", report.artifacts).add("artifacts_new", report.artifacts_new).add("versions_new", report.versions_new).add("bytes", report.bytes).end();
        }
        SYMPHONY_TRY(line.json_out(out.end().build()));
        return done;
    }
    for (const auto& [what, report] : reports) {
        std::string text = what + " " + count_words(report.artifacts, "artifact");
        if (what != "exported") text += ", " + std::to_string(report.artifacts_new) + " of them new, with " + count_words(report.versions_new, "new version");
        line.out(text + ", " + size_words(report.bytes));
    }
    return done;
}

} // namespace

Result<std::int32_t> command_export(CommandLine& line) {
    const auto store = SYMPHONY_TRY(line.reading());
    std::vector<ContentId> ids;
    for (const std::string& name : line.texts("id")) {
        auto id = resolve(*store, name);
        if (!id) return std::move(id).error().in(shown(name));
        ids.push_back(*id);
    }
    const std::string path = line.text("file");
    auto file = AtomicFile::open(SYMPHONY_TRY(line.host().files()), path);
    if (!file) return Error(file.error()).in("cannot write " + shown(path));
    const auto sink = [&](Bytes part) -> Status {
        if (auto written = file->write(part); !written) return Error(written.error()).in("cannot write " + shown(path));
        return {};
    };
    const TransferReport report = SYMPHONY_TRY(store->export_bundle(ids, sink, line.telling("exporting")));
    if (auto finished = file->finish(); !finished) return Error(finished.error()).in("cannot write " + shown(path));
    if (store->description().suite != Suite::none) line.note("the bundle is not encrypted, though the store is: whoever has the file can read it");
    return tell(line, {{"exported", report}});
}

Result<std::int32_t> command_import(CommandLine& line) {
    const std::string path = line.text("file");
    auto file = SYMPHONY_TRY(line.host().files()).open("selected", path);
    if (!file) return Error(file.error()).in("cannot read " + shown(path));
    const auto store = SYMPHONY_TRY(line.writing(true));
    const auto source = [&](std::span<std::uint8_t> to) { return file->read(to); };
    auto report = store->import_bundle(source, line.telling("importing"));
    if (!report) return std::move(report).error().in(shown(path));
    return tell(line, {{"imported", *report}});
}

Result<std::int32_t> command_sync(CommandLine& line) {
    const bool push = line.on("push") || line.on("both"), pull = !line.on("push") || line.on("both");
    if (line.text("other") == line.text("store")) return usage("the two stores are the same", "symphony artifact sync OTHER --store THIS");
    const auto secret = [&]() { return line.secret_given("other-"); };
    const auto other = line.session_at(line.text("other"), secret);
    std::vector<std::pair<std::string, TransferReport>> reports;
    if (pull) {
        const auto from = SYMPHONY_TRY(other->reader());
        const auto to = SYMPHONY_TRY(line.writing(true));
        reports.emplace_back("fetched", SYMPHONY_TRY(to->pull(*from, line.telling("fetching"))));
    }
    if (push) {
        const auto from = SYMPHONY_TRY(line.reading());
        const auto to = SYMPHONY_TRY(other->writer_at_once());
        reports.emplace_back("sent", SYMPHONY_TRY(to->pull(*from, line.telling("sending"))));
    }
    return tell(line, reports);
}

} // namespace symphony::store
