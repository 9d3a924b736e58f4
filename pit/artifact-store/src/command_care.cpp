// SPDX-License-Identifier: Apache-2.0
// `artifact init`, `verify`, `repair`, `gc` and `stats`: the store as a whole.
#include "commands.hpp"
#include "json_text.hpp"
#include "records_json.hpp"
#include "words.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace symphony::store {
namespace {

/// "5", "5%" or "0.05", as a share.
Result<double> share_of(const CommandLine& line, std::string_view name) {
    if (!line.given(name)) return 1.0;
    std::string text = line.text(name);
    const bool percent = text.ends_with('%');
    if (percent) text.pop_back();
    double number = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool good = read.ec == std::errc() && read.ptr == text.data() + text.size() && std::isfinite(number) && number > 0 && number <= 100;
    if (!good) return usage("--" + std::string(name) + " " + shown(line.text(name)) + " is no share", "write it as 5%");
    return number / 100;
}

void tell_findings(const CommandLine& line, const std::vector<Finding>& findings, std::uint64_t total) {
    constexpr std::size_t shown_max = 100;
    for (std::size_t i = 0; i < std::min(findings.size(), shown_max); ++i) {
        const Finding& finding = findings[i];
        // Most texts name the file themselves.
        const bool named = finding.text.find(finding.where.substr(0, finding.where.find(':'))) != std::string::npos;
        line.err("error: " + (named ? std::string() : shown(finding.where) + ": ") + shown(finding.text) + " [" + std::string(name_of(finding.damage)) + "]");
        for (const std::string& artifact : finding.artifacts) line.err("  needed by " + shown(artifact));
        if (!finding.hint.empty()) line.err("hint: " + shown(finding.hint));
    }
    if (total > shown_max) line.note("and " + std::to_string(total - shown_max) + " more; --json tells up to 10,000");
}

} // namespace

Result<std::int32_t> command_init(CommandLine& line) {
    InitOptions options;
    if (line.given("suite")) {
        options.suite = suite_named(line.text("suite"));
        if (!options.suite) return unknown_word("suite", line.text("suite"), {"none", "aes-256-gcm", "xchacha20-poly1305"});
    }
    if (line.given("profile")) {
        const auto profile = profile_named(line.text("profile"));
        if (!profile) return unknown_word("profile", line.text("profile"), {"text", "default", "model"});
        options.profile = *profile;
    }
    options.quota.bytes = SYMPHONY_TRY(line.bytes("quota", 0));
    const bool plain = options.suite == Suite::none;
    auto secret = SYMPHONY_TRY(line.session().secret());
    if (plain && (line.given("passphrase-file") || line.given("key-file"))) return usage("--suite none with a secret", "leave one of them out");
    if (secret && !plain) options.secrets.push_back(*std::move(secret));
    const bool wants = line.on("encrypt") || (options.suite && !plain);
    if (wants && options.secrets.empty()) {
        return Error(Code::invalid_argument, "key-needed", "an encrypted store needs a secret",
                     "write a passphrase into a file and give --passphrase-file FILE, or: head -c 32 /dev/urandom > key; --key-file key");
    }
    SYMPHONY_TRY(line.session().init(std::move(options)));
    const Description what = SYMPHONY_TRY(line.session().describe());
    if (line.json()) {
        ValueBuilder out;
        out.map().add("repository", what.repository).add("format", what.format).add("suite", name_of(what.suite)).add("profile", name_of(what.profile));
        SYMPHONY_TRY(line.json_out(out.end().build()));
        return done;
    }
    line.err("made a store" + (line.given("store") ? " in " + shown(line.text("store")) : std::string()) + ": " +
             (what.suite == Suite::none ? std::string("not encrypted") : "encrypted with " + std::string(name_of(what.suite))) + ", chunks for \"" +
             std::string(name_of(what.profile)) + "\"");
    if (what.suite != Suite::none) line.err("Without its secret nobody can read it, you neither: keep a copy, or add a second one with symphony artifact key add" + line.store_words());
    return done;
}

Result<std::int32_t> command_verify(CommandLine& line) {
    VerifyOptions options;
    options.sample = SYMPHONY_TRY(share_of(line, "sample"));
    options.depth = line.on("data") || line.given("sample") ? Depth::data : Depth::quick;
    options.seed = SYMPHONY_TRY(line.number("seed", 0, 0, ~std::uint64_t{0}));
    const auto store = SYMPHONY_TRY(line.reading());
    const VerifyReport report = SYMPHONY_TRY(store->verify(options, line.telling("checking")));
    if (line.json()) {
        ValueBuilder out;
        out.map().add("good", report.good()).add("packs", report.packs).add("blobs", report.blobs).add("bytes", report.bytes);
        out.add("artifacts", report.artifacts).add("findings_total", report.findings_total);
        put_json_list(out, "findings", report.findings);
        put_json_texts(out, "notes", report.notes);
        SYMPHONY_TRY(line.json_out(out.end().build()));
    } else {
        line.out("checked " + count_words(report.packs, "pack") + ", " + count_words(report.blobs, "blob") + " (" + size_words(report.bytes) + "), " +
                 count_words(report.artifacts, "artifact") + ": " + (report.good() ? std::string("good") : count_words(report.findings_total, "fault")));
        tell_findings(line, report.findings, report.findings_total);
        for (const std::string& note : report.notes) line.note(shown(note));
        if (!report.good()) line.err("hint: symphony artifact repair" + line.store_words() + " saves what is intact and names what is lost");
    }
    return report.good() ? done : work_failed;
}

Result<std::int32_t> command_repair(CommandLine& line) {
    const RepairReport report = SYMPHONY_TRY(line.session().repair(line.telling("repairing")));
    line.tell_notices();
    if (line.json()) {
        ValueBuilder out;
        out.map().add("index_rebuilt", report.index_rebuilt).add("packs_salvaged", report.packs_salvaged).add("blobs_saved", report.blobs_saved);
        out.add("blobs_lost", report.blobs_lost);
        put_json_texts(out, "lost", report.lost);
        put_json_list(out, "findings", report.findings);
        SYMPHONY_TRY(line.json_out(out.end().build()));
    } else {
        line.out((report.index_rebuilt ? "the index was made anew; " : "") + count_words(report.packs_salvaged, "pack") + " salvaged, " + count_words(report.blobs_saved, "chunk") +
                 " saved, " + std::to_string(report.blobs_lost) + " lost");
        tell_findings(line, report.findings, report.findings.size());
        for (const std::string& lost : report.lost) line.out("lost: " + shown(lost));
        if (!report.lost.empty()) line.err("hint: put the lost ones again from where they came from, or symphony artifact sync OTHER" + line.store_words() + " from another store");
    }
    return report.lost.empty() ? done : work_failed;
}

Result<std::int32_t> command_gc(CommandLine& line) {
    CollectOptions options;
    options.dry_run = line.on("dry-run");
    options.drop_soft = line.on("drop-soft");
    options.empty_trash = line.on("empty-trash");
    const auto store = SYMPHONY_TRY(line.writing());
    const CollectReport report = SYMPHONY_TRY(store->collect(options, line.telling("collecting")));
    if (line.json()) {
        ValueBuilder out;
        out.map().add("dry_run", options.dry_run).add("artifacts_dropped", report.artifacts_dropped).add("condemned", report.condemned);
        out.add("resurrected", report.resurrected).add("waiting", report.waiting).add("blobs_deleted", report.blobs_deleted);
        out.add("packs_deleted", report.packs_deleted).add("packs_rewritten", report.packs_rewritten).add("freed_bytes", report.freed_bytes);
        out.add("trash_emptied_bytes", report.trash_emptied_bytes).key("dropped").list();
        for (const ContentId& id : report.dropped) out.text(id.hex());
        SYMPHONY_TRY(line.json_out(out.end().end().build()));
        return done;
    }
    line.out(std::string(options.dry_run ? "would drop " : "dropped ") + count_words(report.artifacts_dropped, "artifact") + ", condemned " + count_words(report.condemned, "chunk") +
             ", deleted " + count_words(report.blobs_deleted, "chunk") + ", freed " + size_words(report.freed_bytes));
    if (report.resurrected > 0) line.out(count_words(report.resurrected, "chunk") + " used again");
    if (report.packs_rewritten > 0 || report.packs_deleted > 0) line.out(count_words(report.packs_rewritten, "pack") + " written anew, " + std::to_string(report.packs_deleted) + " deleted");
    if (report.trash_emptied_bytes > 0) line.out(size_words(report.trash_emptied_bytes) + " of trash emptied");
    for (const ContentId& id : report.dropped) line.out(id.hex());
    if (!options.dry_run && (report.condemned > 0 || report.waiting > 0)) {
        line.err("hint: what is condemned goes with a later symphony artifact gc" + line.store_words() + ", once no put or lease of now can need it");
    }
    return done;
}

Result<std::int32_t> command_stats(CommandLine& line) {
    const auto store = SYMPHONY_TRY(line.reading());
    const Stats stats = SYMPHONY_TRY(store->stats());
    const Description what = store->description();
    const auto index = Feeder(line.session()).state(*store, &line.call());
    const double saved = stats.content_bytes == 0 ? 0 : 100.0 * (1 - static_cast<double>(stats.stored_bytes) / static_cast<double>(stats.content_bytes));
    if (line.json()) {
        ValueBuilder out;
        out.map().add("repository", what.repository).add("format", what.format).add("suite", name_of(what.suite)).add("profile", name_of(what.profile));
        out.add("artifacts", stats.artifacts).add("versions", stats.versions).add("names", stats.names).add("tags", stats.tags);
        out.add("content_bytes", stats.content_bytes).add("unique_bytes", stats.unique_bytes).add("stored_bytes", stats.stored_bytes);
        out.add("packs", stats.packs).add("pack_bytes", stats.pack_bytes).add("open_packs", stats.open_packs).add("dead_bytes", stats.dead_bytes);
        out.add("index_bytes", stats.index_bytes).add("trash_bytes", stats.trash_bytes).add("leases", stats.leases).add("references", stats.references);
        out.add("condemned", stats.condemned).add("quota_bytes", stats.quota_bytes).add("quota_artifacts", stats.quota_artifacts);
        out.add("last_sequence", stats.last_sequence).add("search", index.text).add("search_behind", index.behind);
        SYMPHONY_TRY(line.json_out(out.end().build()));
        return done;
    }
    std::vector<std::vector<std::string>> rows;
    rows.push_back({"artifacts", std::to_string(stats.artifacts)});
    rows.push_back({"names", std::to_string(stats.names) + ", " + count_words(stats.versions, "version")});
    rows.push_back({"contents", size_words(stats.content_bytes)});
    rows.push_back({"unique", size_words(stats.unique_bytes)});
    rows.push_back({"stored", size_words(stats.stored_bytes) + (saved > 0 ? " (" + std::to_string(static_cast<int>(saved)) + "% saved)" : "")});
    rows.push_back({"packs", std::to_string(stats.packs) + ", " + size_words(stats.pack_bytes) + ", " + size_words(stats.dead_bytes) + " unused"});
    rows.push_back({"index", size_words(stats.index_bytes)});
    if (stats.trash_bytes > 0) rows.push_back({"trash", size_words(stats.trash_bytes)});
    if (stats.condemned > 0) rows.push_back({"condemned", count_words(stats.condemned, "chunk")});
    rows.push_back({"kept by", count_words(stats.references, "reference") + ", " + count_words(stats.leases, "lease")});
    if (stats.quota_bytes > 0) rows.push_back({"quota", size_words(stats.quota_bytes)});
    rows.push_back({"sealed", what.suite == Suite::none ? "no" : std::string(name_of(what.suite))});
    rows.push_back({"search", index.text + (index.behind > 0 ? ", " + count_words(index.behind, "change") + " behind" : "")});
    line.write(ports::CommandStream::out, table(rows));
    return done;
}

} // namespace symphony::store
