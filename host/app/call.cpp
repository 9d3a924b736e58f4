// SPDX-License-Identifier: Apache-2.0
#include "app.hpp"
#include "service_manager.hpp"
#include "signals.hpp"

#include "runtime.hpp"

#include <symphony/abi/services/log.h>
#include <symphony/brokers/network.hpp>
#include <symphony/permissions/permissions.hpp>
#include <symphony/ports/command.hpp>
#include <symphony/ports/workflow.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

namespace symphony::app {
namespace fs = std::filesystem;
using manifests::Data;

namespace {

constexpr std::chrono::milliseconds shutdown_max{5000};
constexpr std::chrono::milliseconds addition_max{120'000}; // that somebody may add to `show` and `doctor`
constexpr std::chrono::milliseconds follow_period{500}; // how often a serving host looks at its plugin folders
constexpr std::uint32_t method_run = 1;   // of command/1
constexpr std::uint32_t method_check = 1; // of workflow/1

// The path in a word that selects one: the word, or what stands behind "NAME=".
std::string path_in(const std::string& word, bool named) {
    const auto equals = word.find('=');
    return named && equals != std::string::npos ? word.substr(equals + 1) : word;
}

/// What was typed where the manifest says `selects`: that is the grant, and nothing else widens it.
std::vector<host::SelectedPath> selected_paths(const host::Paths& paths, const manifests::Command& command, const Typed& typed) {
    std::vector<host::SelectedPath> selected;
    const auto add = [&](const std::string& name, manifests::Selects selects, bool named, bool workflow) {
        const auto found = typed.values.find(name);
        if (selects == manifests::Selects::nothing || found == typed.values.end()) return;
        for (const auto& word : found->second) {
            const auto path = path_in(word, named);
            std::error_code error;
            const bool read = selects != manifests::Selects::write;
            // "--input depth=3" selects nothing: a value beside a name is a path when there is such a file, or when it can be nothing else and is then found missing.
            const bool plain = !path.starts_with("/") && !path.starts_with("./") && !path.starts_with("../");
            if (path.empty() || (named && read && plain && !fs::exists(path, error))) continue;
            // A shipped workflow's name stands for its file: the plugin opens the name.
            const auto shipped = workflow ? host::find_workflow(paths, path) : fs::path();
            const auto file = fs::absolute(shipped.empty() ? fs::path(path) : shipped, error).lexically_normal();
            selected.push_back({path, file, read, selects != manifests::Selects::read});
        }
    };
    for (const auto& flag : command.flags) add(flag.name, flag.selects, flag.value.find('=') != std::string::npos, flag.complete == "workflow");
    for (const auto& argument : command.arguments) add(argument.name, argument.selects, false, argument.complete == "workflow");
    return selected;
}

/// A workflow that is neither a file nor a shipped one is told before a plugin is started for it.
Status check_workflows(const host::Paths& paths, const manifests::Command& command, const Typed& typed) {
    for (const auto& argument : command.arguments) {
        if (argument.complete != "workflow" || !typed.has(argument.name)) continue;
        const std::string word = typed.one(argument.name);
        std::error_code error;
        if (word.empty() || fs::exists(word, error) || !host::find_workflow(paths, word).empty()) continue;
        auto hint = did_you_mean(word, host::shipped_workflows(paths));
        if (hint.empty()) hint = "give a file, or the name of a shipped workflow: symphony " + command.name + " --help";
        return usage_error("there is no workflow \"" + word + "\"", std::move(hint));
    }
    return {};
}

Value arguments_of(const manifests::Command& command, const Typed& typed) {
    ValueBuilder builder;
    builder.map();
    const auto add = [&](const std::string& name, bool repeat, bool is_switch) {
        const auto found = typed.values.find(name);
        if (found == typed.values.end()) return;
        builder.key(name);
        if (is_switch) {
            builder.boolean(true);
        } else if (!repeat) {
            builder.text(found->second.back());
        } else {
            builder.list();
            for (const auto& text : found->second) builder.text(text);
            builder.end();
        }
    };
    for (const auto& argument : command.arguments) add(argument.name, argument.repeat, false);
    for (const auto& flag : command.flags) add(flag.name, flag.repeat, flag.value.empty());
    builder.end();
    return builder.build();
}

template <class T>
Result<T> decode(const host::Reply& reply) {
    std::vector<symphony_buf> buffers;
    for (const auto& buffer : reply) buffers.push_back(buffer.to_c());
    WireReader reader(buffers.data(), static_cast<std::uint32_t>(buffers.size()), WireKeep::own);
    T value{};
    detail::read_fields(reader, value);
    reader.finish();
    if (!reader.ok()) return reader.status().error();
    return value;
}

/// What a session is for: to do what somebody asked for, or to look at what is there. Because somebody looks, nobody begins by himself,
/// and nobody is asked for a right.
enum class Purpose : std::uint8_t { work, look };

/// A runtime with its signals: one stop cancels every call, the end is bounded.
class Session {
public:
    explicit Session(App& app, Purpose purpose = Purpose::work)
        : app_(app), purpose_(purpose), prompt_(purpose == Purpose::work ? permissions::TerminalPrompt::if_interactive(app.options.json) : nullptr),
          isolation_(app.isolation_options([this](const host::Violation& what) { record(what); })), signals_(shutdown_max) {
        if (prompt_) prompt_->on_asking([this](bool asking) { app_.console.hold_progress(asking); });
    }

    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() { signals_.disarm(); } // its thread looks at the runtime, which goes first

    Status open(std::vector<host::SelectedPath> selected) {
        {
            auto made = app_.make_permissions(prompt_.get());
            const std::lock_guard lock(audit_mutex_);
            permissions_ = std::move(made);
        }
        if (permissions::Audit* audit = permissions_->audit()) {
            app_.plugins(); // which decides what is held back
            for (const auto& [subject, why] : app_.held_back_versions()) audit->append(permissions::record_of_refusal(subject, why));
        }
        auto options = app_.runtime_options();
        network_.emplace(brokers::NetworkBroker::Options{});
        options.permissions = permissions_.get();
        options.network = &*network_;
        options.handle_crashes = true;
        options.isolation = &isolation_;
        options.grants.selected = std::move(selected);
        runtime_.emplace(SYMPHONY_TRY(host::Runtime::create(app_.plugins(), std::move(options))));
        signals_.on_stop([this] {
            if (prompt_) prompt_->cancel();
            stop_.request_stop();
            runtime_->cancel_all();
            return runtime_->cancel_grace();
        });
        app_.set_starting(true);
        if (purpose_ == Purpose::work && !app_.options.safe_mode) runtime_->start();
        app_.set_starting(false);
        return {};
    }

    template <class... Args>
    Result<host::Reply> call(std::string_view port, std::string_view provider, std::uint32_t method,
                             host::CallOptions options, const Args&... args) {
        const auto handle = SYMPHONY_TRY(runtime_->acquire(port, provider));
        if (signals_.received() != 0) return Error(Code::cancelled, "cancelled");
        WireWriter writer;
        detail::write_fields(writer, args...);
        options.cancel = stop_.get_token();
        const auto* buffers = writer.buffers();
        return runtime_->call(handle, method, {buffers, writer.buffer_count()}, options);
    }

    void cancel() { stop_.request_stop(); }

    /// Takes over what is installed, changed or removed from now on, until close(). The App is left alone meanwhile.
    void follow() {
        follower_ = std::jthread([this](const std::stop_token& stop) {
            std::mutex mutex;
            std::condition_variable_any changed;
            std::unique_lock lock(mutex);
            while (!changed.wait_for(lock, stop, follow_period, [] { return false; }) && !stop.stop_requested()) app_.follow(*runtime_);
        });
    }

    /// Ends everything. @return The status that the process ends with when `status` was the work's.
    /// @param error  Told here when the process has to end here.
    int close(int status, const Error* error = nullptr) {
        app_.console.end_progress();
        follower_ = {};
        const auto ended = runtime_->shutdown(shutdown_max);
        const int signal = signals_.received();
        // A command that answers 0 after a stop has done what it is for, such as serving until then.
        if (signal != 0 && status != done) status = 128 + signal;
        if (!ended) {
            // A thread of a plugin still runs: destructors would pull the ground from under it.
            if (error != nullptr && signal == 0) {
                if (app_.options.json) app_.console.json(Data(Data::Map{{"error", error_data(*error)}}));
                app_.console.error(*error);
            }
            app_.log().warn(ended.error().message());
            app_.console.finish();
            isolation_.abandon();
            ::_exit(status);
        }
        return status;
    }

private:
    /// What a layer of the sandbox stopped: into the audit log, and before the eyes of whoever watches.
    void record(const host::Violation& what) {
        app_.log().write(SYMPHONY_LOG_WARN, what.subject.name, "stopped by " + what.layer + ": " + what.object + (what.fatal ? "; its process was ended" : ""));
        const std::lock_guard lock(audit_mutex_);
        if (permissions_ == nullptr || permissions_->audit() == nullptr) return;
        permissions::Record record = permissions::record_of(what.subject, permissions::Happening::violation);
        record.object = what.object;
        record.layer = what.layer;
        record.rule = "sandbox";
        record.text = what.fatal ? "its process was ended" : "";
        permissions_->audit()->append(std::move(record));
    }

    App& app_;
    const Purpose purpose_;
    std::unique_ptr<permissions::TerminalPrompt> prompt_;
    std::mutex audit_mutex_; // about permissions_, which the isolation's thread looks at
    std::unique_ptr<permissions::Permissions> permissions_;
    host::Isolation isolation_; // its launcher is started before any thread
    Signals signals_;
    std::stop_source stop_;
    std::optional<brokers::NetworkBroker> network_;
    std::optional<host::Runtime> runtime_;
    std::jthread follower_; // last: it looks at all of the above
};

// Settings that are wrong concern the plugins that they are for; a flag is a mistake of this very command.
Status check_settings(App& app) {
    for (const auto& item : app.config().diagnostics()) {
        if (item.severity != manifests::Severity::error || item.file != "--set") {
            app.log().warn(manifests::format(item));
        } else {
            return usage_error(item.message, item.hint);
        }
    }
    for (const auto& plugin : app.config().flagged_plugins()) {
        if (auto found = app.plugins().find(plugin); !found) return usage_error("--set: " + found.error().message(), found.error().hint());
    }
    for (const auto* named : {&app.options.isolate, &app.options.in_process}) {
        const std::string flag = named == &app.options.isolate ? "--isolate: " : "--in-process: ";
        for (const auto& plugin : *named) {
            if (named == &app.options.in_process && plugin == "all") continue;
            if (auto found = app.plugins().find(plugin); !found) return usage_error(flag + found.error().message(), found.error().hint());
        }
    }
    return {};
}

} // namespace

Result<int> call_plugin(App& app, const App::PluginCommand& chosen, const Typed& typed, std::string* output_to) {
    SYMPHONY_TRY(check_workflows(app.paths, chosen.command, typed));
    SYMPHONY_TRY(check_settings(app));
    const ServiceManager manager; // changes the environment: before there are threads and children
    const bool adds = output_to != nullptr;
    Session session(app, adds ? Purpose::look : Purpose::work); // before everything that starts threads, which inherit the blocked signals
    SYMPHONY_TRY(session.open(selected_paths(app.paths, chosen.command, typed)));
    if (chosen.command.follow) session.follow();
    host::CallOptions options;
    if (adds) options.timeout = addition_max;
    options.on_part = [&](std::span<const symphony_buf> part) {
        WireReader reader(part.data(), static_cast<std::uint32_t>(part.size()), WireKeep::borrow);
        ports::CommandOutput output;
        detail::read_fields(reader, output);
        if (!reader.ok()) return;
        const auto text = text_of(output.text.bytes());
        if (output.stream == ports::CommandStream::err) {
            app.console.err(text);
        } else if (output.stream == ports::CommandStream::notice) {
            manager.tell(text);
        } else if (adds) {
            output_to->append(text);
        } else {
            app.console.out(text);
            if (app.console.broken()) session.cancel(); // nobody reads: no reason to go on
        }
    };
    options.on_progress = [&app](std::uint32_t permille, std::string_view note) { app.console.progress(permille, note); };
    std::error_code error;
    ports::CommandContext context;
    context.cwd = fs::current_path(error).string();
    context.columns = app.console.columns();
    context.color = app.console.out_color();
    context.json = app.options.json;
    context.watchdog_ms = manager.watchdog_ms();
    const auto reply = session.call("command/1", chosen.plugin, method_run, options, chosen.command.name,
                                    arguments_of(chosen.command, typed), context);
    auto status = reply ? decode<std::int32_t>(*reply) : Result<std::int32_t>(reply.error());
    if (!status && status.error().code() == Code::cancelled && app.console.broken()) status = failed;
    const int ended = session.close(status ? *status : status_of(status.error()), status ? nullptr : &status.error());
    if (!status && ended < 128) return std::move(status).error();
    return ended;
}

std::vector<Addition> additions_to(App& app, manifests::AddsTo what, const Typed& typed) {
    std::vector<Addition> out;
    for (const auto& command : app.commands_that_add_to(what)) {
        Addition one;
        one.name = command.command.name.substr(0, command.command.name.find(' '));
        const auto status = call_plugin(app, command, typed, &one.output);
        if (!status) {
            one.error = status.error();
        } else if (app.options.json && !one.output.empty() && !nlohmann::json::accept(one.output)) {
            one.error = Error(Code::plugin_failed, "not-json", "symphony " + command.command.name + " --json: its answer is not JSON", "report it to the author of " + command.plugin);
        } else {
            one.status = *status;
        }
        out.push_back(std::move(one));
    }
    return out;
}

std::string json_with(const Data& data, const std::vector<Addition>& additions) {
    std::string out = to_json(data);
    for (const auto& one : additions) {
        if (one.error || one.output.empty()) continue;
        auto text = one.output;
        while (text.ends_with('\n')) text.pop_back();
        out.pop_back();
        out += (out.ends_with('{') ? "" : ",") + to_json(Data(one.name)) + ":" + text + "}";
    }
    return out + "\n";
}

Result<int> check_workflow(App& app, const fs::path& file, const std::vector<std::string>& included) {
    std::error_code none;
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text; // an iterator would throw when reading fails
    const bool read = stream && (text << stream.rdbuf()).good();
    if (!read && fs::file_size(file, none) != 0) return Error(Code::io, "unreadable", file.string() + " cannot be read", "check its permissions");
    ports::WorkflowSource source;
    source.path = file.string();
    source.text = Buffer::copy(text.view());
    Session session(app);
    std::vector<host::SelectedPath> selected;
    for (const auto& path : included) selected.push_back({path, fs::absolute(path, none).lexically_normal(), true, false});
    SYMPHONY_TRY(session.open(std::move(selected)));
    const auto reply = session.call("workflow/1", {}, method_check, {}, source);
    const auto report = reply ? decode<ports::CheckReport>(*reply) : Result<ports::CheckReport>(reply.error());
    const int ended = session.close(report && report->ok ? done : failed, report ? nullptr : &report.error());
    if (!report) {
        auto problem = report.error();
        if (problem.code() == Code::not_found && problem.hint().empty()) problem.with_hint("symphony list --why shows whether a plugin provides workflow/1");
        return problem;
    }
    std::vector<manifests::Diagnostic> found;
    for (const auto& item : report->diagnostics) {
        const auto severity = item.severity == ports::Severity::error     ? manifests::Severity::error
                              : item.severity == ports::Severity::warning ? manifests::Severity::warning
                                                                          : manifests::Severity::note;
        found.push_back({severity, item.reason, item.message, item.hint, item.file.empty() ? file.string() : item.file, item.line, item.column});
    }
    const Data::Map facts{{"id", report->id}, {"name", report->name}, {"version", report->version},
                          {"nodes", std::int64_t{report->nodes}}, {"edges", std::int64_t{report->edges}}};
    report_findings(app, file.string(), found, facts,
                    std::to_string(report->nodes) + " nodes, " + std::to_string(report->edges) + " edges");
    return ended;
}

} // namespace symphony::app
