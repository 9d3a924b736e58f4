// SPDX-License-Identifier: Apache-2.0
#include "app.hpp"

#include "library.hpp"
#include "supervisor.hpp"

#include <symphony/sandbox/machine.hpp>

#include <algorithm>
#include <sstream>
#include <thread>

#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace symphony::app {
namespace fs = std::filesystem;
using manifests::Data;

namespace {

struct Line {
    std::string verdict; // ok, warn, fail
    std::string subject;
    std::string text;
    std::string mend;
};

Line memfd_line() {
    const int fd = ::memfd_create("symphony-doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    bool works = false;
    if (fd >= 0) {
        works = ::ftruncate(fd, 4096) == 0;
        void* page = works ? ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) : MAP_FAILED;
        works = page != MAP_FAILED;
        if (works) ::munmap(page, 4096);
        ::close(fd);
    }
    return {works ? "ok" : "fail", "verified loading", works ? "executable memfds work" : "executable memfds are forbidden here",
            works ? "" : "sysctl vm.memfd_noexec=0, and no policy that forbids them"};
}

/// What a plugin that nobody vouches for would be confined by, here and now.
void isolation(std::vector<Line>& lines, sandbox::Grade minimum) {
    const auto found = sandbox::Machine::probe();
    const bool enough = found.grade >= minimum;
    lines.push_back({enough ? "ok" : "warn", "isolation",
                     "grade " + std::string(name_of(found.grade)) + " (" + std::string(describe(found.grade)) + "), at least " + std::string(name_of(minimum)) +
                         " is asked for" + (enough ? "" : ": plugins that nobody vouches for are refused"),
                     enough ? "" : "what the lines below say; or, to accept less, minimum_grade = \"" + std::string(name_of(found.grade)) + "\" in policy.toml"});
    for (const auto& layer : found.layers) {
        const auto text = layer.active ? layer.detail + (layer.why_not.empty() ? "" : (layer.detail.empty() ? "" : "; ") + layer.why_not) : layer.why_not;
        lines.push_back({layer.active ? "ok" : "warn", "isolation " + layer.name, text.empty() ? "active" : text, layer.remedy});
    }
}

std::vector<Line> machine(sandbox::Grade minimum) {
    std::vector<Line> lines;
    utsname name{};
    ::uname(&name);
    const auto cores = std::thread::hardware_concurrency();
    lines.push_back({"ok", "machine", std::string(name.sysname) + " " + name.release + ", " + name.machine + ", " +
                                          std::to_string(cores) + (cores == 1 ? " core" : " cores"), ""});
    lines.push_back(memfd_line());
    isolation(lines, minimum);
    std::vector<std::string> models;
    std::error_code error;
    for (const auto* folder : {"/usr/share/tesseract-ocr/5/tessdata", "/usr/share/tessdata"}) {
        for (fs::directory_iterator item(folder, error), end; item != end; item.increment(error)) {
            if (item->path().extension() == ".traineddata") models.push_back(item->path().stem().string());
        }
    }
    std::sort(models.begin(), models.end());
    std::string list;
    for (const auto& model : models) list += (list.empty() ? "" : ", ") + model;
    lines.push_back(!models.empty() ? Line{"ok", "tesseract data", list, ""}
                                    : Line{"warn", "tesseract data", "no language models: images cannot be read",
                                           "apt-get install tesseract-ocr-eng"});
    return lines;
}

void folders(App& app, std::vector<Line>& lines) {
    const auto writable = [&lines](const std::string& what, const fs::path& folder, const std::string& loss) {
        if (folder.empty()) {
            lines.push_back({"warn", what, "none: " + loss, "export HOME, or the XDG_* variable of this folder"});
            return;
        }
        const auto made = host::make_writable(folder);
        lines.push_back(made ? Line{"ok", what, folder.string(), ""}
                             : Line{"warn", what, made.error().message() + ": " + loss, "chmod u+w " + folder.string()});
    };
    writable("cache folder", app.paths.cache, "every start reads all manifests");
    writable("state folder", app.paths.state, "crashes and quarantine are forgotten between runs");
    for (const auto& root : app.catalog().roots()) {
        const auto text = root.root.path + ": " +
                          (root.present ? std::to_string(root.plugins) + (root.plugins == 1 ? " plugin, " : " plugins, ") + (root.cached ? "index cached" : "index not cached")
                                        : std::string("not there"));
        const bool expected = root.root.origin == host::Origin::flag || root.root.origin == host::Origin::environment;
        lines.push_back({root.present || !expected ? "ok" : "warn", "plugins (" + std::string(name_of(root.root.origin)) + ")", text, ""});
    }
    for (const auto& item : app.config().diagnostics()) {
        lines.push_back({item.severity == manifests::Severity::error ? "fail" : "warn", "configuration", manifests::format(item), item.hint});
    }
}

/// A library that would be refused, and those that it needs and the loader will not find, by the usual folders; nothing is loaded.
void check_library(App& app, const PluginView& view, std::vector<Line>& lines) {
    const auto index = app.plugins().at(view.ref);
    if (!index) return;
    const auto& plugin = app.plugins().entry(*index);
    const auto image = host::VerifiedImage::open(*plugin.manifest, plugin.folder, SYMPHONY_TRIPLE);
    if (!image) {
        lines.push_back({"fail", "plugin " + plugin.manifest->name(), image.error().message() + " [" + std::string(image.error().reason()) + "]", image.error().hint()});
        return;
    }
    std::vector<fs::path> folders{app.paths.prefix / "lib", "/lib/" SYMPHONY_TRIPLE, "/usr/lib/" SYMPHONY_TRIPLE, "/lib64", "/usr/lib64", "/lib", "/usr/lib",
                                  "/usr/local/lib", "/usr/local/lib/" SYMPHONY_TRIPLE};
    std::stringstream extra(app.environment.get("LD_LIBRARY_PATH"));
    for (std::string folder; std::getline(extra, folder, ':');) folders.emplace_back(folder);
    for (const auto& name : image->needed()) {
        std::error_code error;
        if (std::any_of(folders.begin(), folders.end(), [&](const fs::path& folder) { return fs::exists(folder / name, error); })) continue;
        lines.push_back({"fail", "plugin " + plugin.manifest->name(), "needs the library " + name + ", which is not installed",
                         "apt-file search " + name + ", and apt-get install what it names"});
    }
}

void plugins(App& app, std::vector<Line>& lines) {
    std::size_t usable = 0, off = 0;
    host::Entry entry;
    for (const auto& view : app.views()) {
        app.catalog().read(view.ref, entry);
        usable += view.state == "usable";
        if (view.state == "usable") check_library(app, view, lines);
        off += view.state == "disabled" || view.state == "superseded";
        if (!view.error || view.state == "disabled") continue;
        auto mend = view.error->hint();
        if (view.state == "quarantined") mend = "symphony doctor --release " + std::string(entry.name);
        lines.push_back({view.state == "quarantined" ? "fail" : "warn", "plugin " + std::string(entry.name),
                         view.state + ": " + view.error->message() + " [" + std::string(view.error->reason()) + "]", mend});
    }
    lines.push_back({usable > 0 ? "ok" : "warn", "plugins",
                     std::to_string(usable) + " usable" + (off > 0 ? ", " + std::to_string(off) + " not in use" : ""),
                     usable > 0 ? "" : "put plugins into one of the folders above, or name one with --plugins"});
    const auto now = std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
    for (const auto& crash : host::Supervisor(app.paths.state).recent_crashes(now)) {
        lines.push_back({"warn", "plugin " + crash.name, "crashed in the last ten minutes: " + crash.text,
                         "symphony show " + crash.name + "; the third time it is quarantined"});
    }
}

/// What decides what plugins may, and whether what it decided is still on record.
void permissions_lines(App& app, std::vector<Line>& lines) {
    const auto& policy = app.policy();
    for (const auto& warning : policy.warnings()) lines.push_back({"fail", "policy", warning, "mend that line; symphony permission list shows what counts until then"});
    lines.push_back({"ok", "policy", "preset " + std::string(name_of(policy.preset())) + (policy.preset_locked() ? ", locked by the administrators" : "") +
                                         (policy.only_trusted_in_process() ? ", only trusted plugins run in process (" + policy.in_process_rule() + ")" : ""), ""});
    std::error_code error;
    const auto file = app.paths.state / "audit.sqlite";
    if (app.paths.state.empty() || !fs::exists(file, error)) {
        const bool taken = !app.paths.state.empty() && fs::exists(app.paths.state / "audit.key", error);
        lines.push_back(taken ? Line{"fail", "audit log", file.string() + " was taken away: its key is still there", "restore it from a backup"}
                              : Line{"ok", "audit log", "nothing is recorded yet", ""});
        return;
    }
    const permissions::Audit audit({.state_dir = app.paths.state, .bytes_max = app.policy().audit_bytes_max()});
    for (const auto& warning : audit.warnings()) lines.push_back({"warn", "audit log", warning, ""});
    const auto found = audit.verify();
    const bool whole = found && found->damage == permissions::Verification::Damage::none;
    lines.push_back(whole ? Line{"ok", "audit log", "whole, " + std::to_string(found->rows) + (found->rows == 1 ? " row" : " rows") + (found->dropped > 0 ? ", " + std::to_string(found->dropped) + " older ones were let go" : ""), ""}
                          : Line{"fail", "audit log", file.string() + ": " + (found ? found->text : found.error().message()), "keep the file for whoever looks into it; symphony permission audit --verify"});
}

} // namespace

Result<int> doctor(App& app, const Typed& typed) {
    if (typed.has("release")) {
        auto name = typed.one("release");
        if (const auto ref = app.find_plugin(name)) name = app.catalog().entry(*ref).id; // else it was removed meanwhile
        SYMPHONY_TRY(host::Supervisor(app.paths.state).release(name));
        if (app.options.json) {
            app.console.json(Data(Data::Map{{"released", name}}));
        } else {
            app.console.out(name + ": out of quarantine\n");
        }
        return done;
    }
    auto lines = machine(app.isolation_options({}).minimum);
    folders(app, lines);
    permissions_lines(app, lines);
    plugins(app, lines);
    const auto additions = additions_to(app, manifests::AddsTo::doctor, {});
    for (const auto& one : additions) {
        if (one.error) lines.push_back({"warn", one.name, "symphony " + one.name + " doctor: " + one.error->message() + " [" + std::string(one.error->reason()) + "]", one.error->hint()});
    }
    const bool broken = std::any_of(lines.begin(), lines.end(), [](const Line& line) { return line.verdict == "fail"; }) ||
                        std::any_of(additions.begin(), additions.end(), [](const Addition& one) { return !one.error && one.status != done; });
    if (app.options.json) {
        Data::List list;
        for (const auto& line : lines) {
            list.push_back(Data(Data::Map{{"verdict", line.verdict}, {"subject", host::printable(line.subject)},
                                          {"text", host::printable(line.text)}, {"mend", host::printable(line.mend)}}));
        }
        app.console.out(json_with(Data(Data::Map{{"ok", !broken}, {"findings", Data(std::move(list))}}), additions));
        return broken ? failed : done;
    }
    std::string out;
    for (const auto& line : lines) {
        const std::string color = line.verdict == "ok" ? "\x1b[32m" : line.verdict == "warn" ? "\x1b[33m" : "\x1b[31m";
        auto verdict = line.verdict + std::string(6 - line.verdict.size(), ' ');
        if (app.console.out_color()) verdict = color + verdict + "\x1b[0m";
        out += verdict + host::printable(line.subject) + ": " + host::printable(line.text) + "\n";
        if (!line.mend.empty()) out += "      mend: " + host::printable(line.mend) + "\n";
    }
    for (const auto& one : additions) {
        if (!one.error) out += one.output;
    }
    app.console.out(out);
    return broken ? failed : done;
}

} // namespace symphony::app
