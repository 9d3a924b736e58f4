// SPDX-License-Identifier: Apache-2.0
#include "load_bodies.hpp"

#include "expand.hpp"
#include "parse.hpp"

#include <algorithm>

namespace symphony::tracker {
namespace {

class Loader {
public:
    Loader(const Limits& limits, const ReadFile& read, std::map<std::string, std::string>& kept, Findings& findings) : limits_(limits), read_(read), kept_(kept), findings_(findings) {}

    // Recursive, workflow_depth_max deep.
    void load(Workflow& workflow, const std::string& path) {
        way_.push_back(path);
        for (Id n = 0; n < workflow.nodes.size(); ++n) {
            const NodeExtras& extras = workflow.extras_of(n);
            if (extras.file != 0) {
                file(workflow, n, path);
            } else if (extras.body != no_id && has_files(*workflow.bodies[extras.body])) {
                findings_.error("bad-value", "a body that stands in its node names a file", workflow.nodes[n].place, "put the body into a file, too");
            }
        }
        way_.pop_back();
    }

private:
    static bool has_files(const Workflow& workflow) {
        return std::any_of(workflow.extras.begin(), workflow.extras.end(), [](const NodeExtras& extras) { return extras.file != 0; }) ||
               std::any_of(workflow.bodies.begin(), workflow.bodies.end(), [](const auto& body) { return has_files(*body); });
    }

    void file(Workflow& workflow, Id n, const std::string& from) {
        const Place place = workflow.nodes[n].place;
        const auto slash = from.rfind('/');
        const std::string path = (slash == std::string::npos ? std::string() : from.substr(0, slash + 1)) + std::string(workflow.names[workflow.extras_of(n).file]);
        if (const auto again = std::find(way_.begin(), way_.end(), path); again != way_.end()) {
            std::string round;
            for (auto at = again; at != way_.end(); ++at) round += *at + " -> ";
            findings_.error("workflow-recursion", "the workflow contains itself: " + round + path, place, "work in rounds belongs into a loop");
            return;
        }
        if (way_.size() > workflow_depth_max) {
            findings_.error("workflow-depth", "file " + shown(path) + " is in more than " + std::to_string(workflow_depth_max) + " workflows", place, "let fewer of them contain each other");
            return;
        }
        const auto known = kept_.find(path);
        auto text = known != kept_.end() ? Result<std::string>(known->second) : read_(path);
        if (!text) {
            findings_.error("unreadable-file", "file " + shown(path) + " cannot be read: " + text.error().message(), place, "a file that a workflow names has to be named on the command line, too: --include " + path);
            return;
        }
        Findings own(path);
        auto body = parse_workflow(path, *text, limits_, own);
        for (auto& found : own.take()) findings_.add(std::move(found));
        if (!body) return;
        kept_.insert_or_assign(path, *std::move(text));
        load(*body, path);
        compile(*body);
        workflow.extras[workflow.nodes[n].extras].body = static_cast<std::uint32_t>(workflow.bodies.size());
        workflow.bodies.push_back(std::make_shared<const Workflow>(*std::move(body)));
    }

    const Limits& limits_;
    const ReadFile& read_;
    std::map<std::string, std::string>& kept_;
    Findings& findings_;
    std::vector<std::string> way_;  // files from the first to the one that is read
};

} // namespace

void load_bodies(Workflow& workflow, const std::string& path, const Limits& limits, const ReadFile& read, std::map<std::string, std::string>& kept, Findings& findings) {
    Loader(limits, read, kept, findings).load(workflow, path);
}

} // namespace symphony::tracker
