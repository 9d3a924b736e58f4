// SPDX-License-Identifier: Apache-2.0
#include "workflow_command.hpp"

#include "formats.hpp"
#include "json_text.hpp"
#include "schema_zero.hpp"
#include "tell_findings.hpp"

#include <algorithm>

namespace symphony::tracker {
namespace {

constexpr std::int32_t done = 0;
constexpr std::int32_t work_failed = 1;

class Command {
public:
    Command(const Tracker& tracker, Call& call, const Value& arguments, const ports::CommandContext& context)
        : tracker_(tracker), call_(call), arguments_(arguments), context_(context) {}

    Result<std::int32_t> convert() {
        const std::string_view to = arguments_["to"].as_text();
        const auto format = format_named(to);
        if (!format) return usage(to.empty() ? "convert needs --to FORMAT" : "there is no format " + shown(to), "formats: toml json json-compact msgpack binary mermaid dot");
        const std::string_view schema = arguments_["schema"].as_text("1");
        if (schema != "1" && schema != "0") return usage("there is no schema " + shown(schema), "1 is this dag-tracker's, 0 that of the first design");
        if (schema == "0" && *format != Format::json) return usage("schema 0 is JSON only", "symphony workflow convert FILE --to json --schema 0");
        const std::string output(arguments_["output"].as_text());
        const bool zstd = arguments_["zstd"].as_bool();
        const bool bytes = zstd || *format == Format::msgpack || *format == Format::binary;
        if (bytes && output.empty() && context_.columns != 0 && !context_.json) {
            return usage("bytes are not written to a terminal", "write them into a file: --output FILE");
        }
        const auto workflow = SYMPHONY_TRY(read());
        if (!workflow) return refuse();
        Findings losses{path_};
        std::string written = schema == "0" ? write_schema_zero(*workflow, losses) : write_workflow(*workflow, *format);
        for (auto& loss : losses.take()) found_.push_back(std::move(loss));
        tell_findings(call_, found_);
        if (zstd) written = zstd_of(written);
        if (!output.empty()) {
            const Files files = SYMPHONY_TRY(tracker_.host().files());
            if (auto status = files.write_atomic("selected", output, written); !status) return std::move(status).error().in("cannot write " + output);
        }
        if (context_.json) {
            ValueBuilder json = begin(*workflow);
            json.add("format", to).add("zstd", zstd).add("size", written.size());
            if (!output.empty()) json.add("output", std::string_view(output));
            else if (bytes) json.key("content").bytes(bytes_of(written));
            else json.add("content", std::string_view(written));
            return end(json);
        }
        if (output.empty()) put_out(call_, written);
        else put_err(call_, "wrote " + output + " (" + std::to_string(written.size()) + " bytes)\n");
        return done;
    }

    Result<std::int32_t> digest() {
        const auto workflow = SYMPHONY_TRY(read());
        if (!workflow) return refuse();
        tell_findings(call_, found_);
        if (context_.json) {
            ValueBuilder json = begin(*workflow);
            return end(json);
        }
        put_out(call_, digest_of(*workflow) + "  " + path_ + "\n");
        return done;
    }

    Result<std::int32_t> levels() {
        auto workflow = SYMPHONY_TRY(read());
        if (!workflow) return refuse();
        compile(*workflow);
        tell_findings(call_, found_);
        std::vector<std::vector<Id>> levels;
        for (const Id n : workflow->order) {
            levels.resize(std::max<std::size_t>(levels.size(), workflow->levels[n] + 1));
            levels[workflow->levels[n]].push_back(n);
        }
        const bool whole = workflow->order.size() == workflow->nodes.size();
        if (context_.json) {
            ValueBuilder json = begin(*workflow);
            json.add("acyclic", whole).key("levels").list(levels.size());
            for (const auto& level : levels) {
                json.list(level.size());
                for (const Id n : level) json.text(workflow->node_name(n));
                json.end();
            }
            json.end();
            SYMPHONY_TRY(end(json));
        } else {
            std::string text;
            for (std::size_t i = 0; i < levels.size(); ++i) {
                text += std::to_string(i) + ":";
                for (const Id n : levels[i]) text += " " + std::string(workflow->node_name(n));
                text += "\n";
            }
            put_out(call_, text);
        }
        if (whole) return done;
        put_err(call_, "error: " + std::to_string(workflow->nodes.size() - workflow->order.size()) + " nodes are in a cycle or behind one [cycle]\nhint: symphony check " + path_ + " names it\n");
        return work_failed;
    }

private:
    /// The workflow and what was found in it; no workflow where there are errors.
    Result<std::optional<Workflow>> read() {
        path_ = arguments_["file"].as_text();
        if (path_.empty()) return usage("name a workflow file", "symphony workflow --help");
        const Files files = SYMPHONY_TRY(tracker_.host().files());
        const auto text = files.read_all("selected", path_, tracker_.limits().file_bytes_max + 1);
        if (!text) {
            if (text.error().code() == Code::not_found) return usage("there is no workflow " + shown(path_), "give a file, or the name of a shipped workflow");
            return Error(text.error()).in(path_);
        }
        if (auto workflow = parse_flawless_workflow(path_, text->text(), tracker_.limits())) return workflow;
        Findings findings{path_};
        auto workflow = parse_workflow(path_, text->text(), tracker_.limits(), findings);
        const bool errors = findings.has_errors();
        found_ = findings.take();
        if (errors) workflow.reset();
        return workflow;
    }

    std::int32_t refuse() const {
        tell_findings(call_, found_);
        if (!context_.json) return work_failed;
        ValueBuilder json;
        json.map(2).add("ok", false).key("diagnostics");
        add_findings(json, found_);
        if (const auto text = json_of(json.end().build(), true)) put_out(call_, *text + "\n");
        return work_failed;
    }

    ValueBuilder begin(const Workflow& workflow) const {
        ValueBuilder json;
        json.map().add("ok", true).add("file", std::string_view(path_)).add("id", std::string_view(workflow.id)).add("version", std::string_view(workflow.version));
        json.add("digest", std::string_view(digest_of(workflow))).add("nodes", workflow.nodes.size()).add("edges", workflow.edges.size()).key("diagnostics");
        add_findings(json, found_);
        return json;
    }
    Result<std::int32_t> end(ValueBuilder& json) const {
        put_out(call_, SYMPHONY_TRY(json_of(json.end().build(), true)) + "\n");
        return done;
    }

    const Tracker& tracker_;
    Call& call_;
    const Value& arguments_;
    const ports::CommandContext& context_;
    std::string path_;
    std::vector<Diagnostic> found_;
};

} // namespace

Result<std::int32_t> workflow_command(const Tracker& tracker, Call& call, std::string_view command, const Value& arguments, const ports::CommandContext& context) {
    Command made(tracker, call, arguments, context);
    if (command == "workflow convert") return made.convert();
    if (command == "workflow digest") return made.digest();
    if (command == "workflow levels") return made.levels();
    return Error(Code::not_found, "unknown-command", "dag-tracker has no command " + shown(command));
}

} // namespace symphony::tracker
