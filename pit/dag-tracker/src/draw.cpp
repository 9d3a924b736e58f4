// SPDX-License-Identifier: Apache-2.0
#include "draw.hpp"

#include <symphony/manifests/units.hpp>
#include <symphony/utf8.hpp>

#include <algorithm>
#include <map>

namespace symphony::tracker {
namespace {

// Pixels of the picture.
constexpr int box_width = 172;
constexpr int box_height = 50;
constexpr int pill_height = 34;
constexpr int column_gap = 84;
constexpr int row_gap = 26;
constexpr int margin = 28;
constexpr int title_height = 58;
constexpr int legend_height = 44;
constexpr std::size_t bends_max = 20'000;

constexpr std::string_view style =
    ":root{--paper:#ffffff;--ink:#1c2430;--soft:#5b6675;--line:#8a95a5;--operator:#e3effc;--operator-line:#3b7dc4;"
    "--instrument:#f1e6fb;--instrument-line:#8a4fc0;--branch:#fdf0d9;--branch-line:#c17f12;--merge:#e2f4ea;--merge-line:#2f9160;"
    "--port:#eef1f5;--port-line:#7d8896}"
    "@media (prefers-color-scheme:dark){:root{--paper:#12161c;--ink:#e8edf4;--soft:#9aa6b5;--line:#6c7888;--operator:#15304d;"
    "--operator-line:#5ea4ee;--instrument:#34204a;--instrument-line:#b583e6;--branch:#43310f;--branch-line:#e0a33c;--merge:#123a28;"
    "--merge-line:#52bf8a;--port:#222a35;--port-line:#8692a2}}"
    "text{font-family:system-ui,sans-serif;fill:var(--ink)}.title{font-size:18px;font-weight:600}.sub{font-size:12px;fill:var(--soft)}"
    ".id{font-size:13px;font-weight:600}.what{font-size:11px;fill:var(--soft)}.when{font-size:10px;fill:var(--soft);paint-order:stroke;"
    "stroke:var(--paper);stroke-width:4px}.box{stroke-width:1.5}.operator{fill:var(--operator);stroke:var(--operator-line)}"
    ".instrument{fill:var(--instrument);stroke:var(--instrument-line)}.branch{fill:var(--branch);stroke:var(--branch-line)}"
    ".merge{fill:var(--merge);stroke:var(--merge-line)}.port{fill:var(--port);stroke:var(--port-line)}"
    ".edge{fill:none;stroke:var(--line);stroke-width:1.6}.control{stroke-dasharray:2 5;stroke-linecap:round}"
    ".conditional{stroke-dasharray:8 4;stroke:var(--branch-line)}.head{fill:var(--line)}.head-when{fill:var(--branch-line)}";

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : to_valid_utf8(text)) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '&') out += "&amp;";
        else if (c == '<') out += "&lt;";
        else if (c == '>') out += "&gt;";
        else if (c == '"') out += "&quot;";
        else if (byte < 0x20 && c != '\n') out += ' ';
        else out += c;
    }
    return out;
}

/// At most `max` characters, the last an ellipsis when something was cut.
std::string cut(std::string_view text, std::size_t max) {
    std::size_t characters = 0;
    std::size_t keep = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xC0u) == 0x80u) continue;
        if (characters == max - 1) keep = i;
        if (++characters > max) return std::string(text.substr(0, keep)) + "…";
    }
    return std::string(text);
}

/// Which colours a node has.
std::string_view look_of(NodeKind kind) noexcept {
    switch (kind) {
    case NodeKind::operation:
    case NodeKind::instrument:
    case NodeKind::branch:
    case NodeKind::merge: return name_of(kind);
    case NodeKind::join: return name_of(NodeKind::merge);
    case NodeKind::delay:
    case NodeKind::wait: return name_of(NodeKind::branch);
    default: break;
    }
    return "port";
}

struct Vertex {
    enum class Kind : std::uint8_t { node, input, output, bend };
    Kind kind = Kind::node;
    std::uint32_t what = 0;  // of the workflow's nodes, inputs or outputs
    int layer = 0;
    int row = 0;             // within the layer
    int y = 0;               // of the middle
    double weight = 0;
};

/// All edges between two things are one line.
struct Line {
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    EdgeKind kind = EdgeKind::data;
    std::string when;
    std::string ports;
    std::vector<std::uint32_t> bends;  // vertices on the way
};

/// Layered drawing: Sugiyama 1981, longest-path layers, barycentre ordering.
class Drawing {
public:
    explicit Drawing(const Workflow& workflow) : workflow_(workflow) {}

    std::string run() {
        make_vertices();
        make_lines();
        bend_long_lines();
        order_layers();
        place();
        write();
        return std::move(out_);
    }

private:
    void make_vertices() {
        const std::size_t nodes = workflow_.nodes.size();
        std::vector<int> layer(nodes, 0);
        int deepest = 0;
        const auto visit = [&](Id n) {
            for (auto i = workflow_.out_offsets[n]; i < workflow_.out_offsets[n + 1]; ++i) {
                const Id to = workflow_.edges[workflow_.out_edges[i]].to;
                layer[to] = std::max(layer[to], layer[n] + 1);
            }
            for (const Id helper : {workflow_.extras_of(n).fallback, workflow_.extras_of(n).compensate}) {
                if (helper != no_id) layer[helper] = std::max(layer[helper], layer[n] + 1);
            }
        };
        for (const Id n : workflow_.order) {
            visit(n);
            deepest = std::max(deepest, layer[n]);
        }
        if (workflow_.order.size() < nodes) {  // a cycle: its nodes stand beside each other
            std::vector<bool> placed(nodes, false);
            for (const Id n : workflow_.order) placed[n] = true;
            int next = 0;
            for (Id n = 0; n < nodes; ++n) {
                if (!placed[n]) layer[n] = std::max(0, deepest) + next++ % 6;
            }
            deepest += 6;
        }
        const bool inputs = std::any_of(workflow_.inputs.begin(), workflow_.inputs.end(), [](const auto& input) { return input.used; });
        const int shift = inputs ? 1 : 0;
        for (Id n = 0; n < nodes; ++n) vertices_.push_back({Vertex::Kind::node, n, layer[n] + shift, 0, 0, 0});
        inputs_from_ = static_cast<std::uint32_t>(vertices_.size());
        for (std::uint32_t i = 0; i < workflow_.inputs.size(); ++i) vertices_.push_back({Vertex::Kind::input, i, 0, 0, 0, 0});
        outputs_from_ = static_cast<std::uint32_t>(vertices_.size());
        for (std::uint32_t i = 0; i < workflow_.outputs.size(); ++i) {
            const auto& output = workflow_.outputs[i];
            const int at = output.node == no_id ? 0 : layer[output.node];
            vertices_.push_back({Vertex::Kind::output, i, at + shift + 1, 0, 0, 0});
        }
    }

    void make_lines() {
        std::map<std::pair<std::uint64_t, std::string>, std::size_t> known;
        const auto add = [&](std::uint32_t from, std::uint32_t to, EdgeKind kind, std::string when, const std::string& ports) {
            const std::uint64_t key = std::uint64_t{from} << 32 | to;
            const auto [found, added] = known.try_emplace({key, std::to_string(static_cast<int>(kind)) + when}, lines_.size());
            if (added) lines_.push_back({from, to, kind, std::move(when), ports, {}});
            else lines_[found->second].ports += "\n" + ports;
        };
        for (const Edge& edge : workflow_.edges) {
            const std::uint32_t from = edge.from == no_id ? inputs_from_ + edge.input : edge.from;
            std::string source = edge.from == no_id ? "$inputs." + workflow_.inputs[edge.input].name : std::string(workflow_.node_name(edge.from));
            if (edge.from_port != 0) source += "." + std::string(workflow_.names[edge.from_port]);
            std::string target(workflow_.node_name(edge.to));
            if (edge.to_port != 0) target += "." + std::string(workflow_.names[edge.to_port]);
            add(from, edge.to, edge.kind, edge.condition == no_id ? std::string() : workflow_.conditions[edge.condition].text(), source + " → " + target);
        }
        for (Id n = 0; n < workflow_.nodes.size(); ++n) {
            const NodeExtras& extras = workflow_.extras_of(n);
            const std::string id(workflow_.node_name(n));
            if (extras.fallback != no_id) add(n, extras.fallback, EdgeKind::control, {}, id + " → fallback " + std::string(workflow_.node_name(extras.fallback)));
            if (extras.compensate != no_id) add(n, extras.compensate, EdgeKind::control, {}, id + " → compensate " + std::string(workflow_.node_name(extras.compensate)));
        }
        for (std::uint32_t i = 0; i < workflow_.outputs.size(); ++i) {
            const auto& output = workflow_.outputs[i];
            const std::uint32_t from = output.node == no_id ? inputs_from_ + output.input : output.node;
            const std::string source = output.node == no_id ? "$inputs." + workflow_.inputs[output.input].name
                                                            : std::string(workflow_.node_name(output.node)) + "." + std::string(workflow_.names[output.port]);
            add(from, outputs_from_ + i, EdgeKind::data, {}, source + " → " + output.name);
        }
    }

    /// A line over several layers gets a point in each, so that it goes around boxes; with very many lines it does not.
    void bend_long_lines() {
        std::size_t bends = 0;
        for (const auto& line : lines_) bends += static_cast<std::size_t>(std::max(0, vertices_[line.to].layer - vertices_[line.from].layer - 1));
        if (bends > bends_max) return;
        for (auto& line : lines_) {
            for (int layer = vertices_[line.from].layer + 1; layer < vertices_[line.to].layer; ++layer) {
                line.bends.push_back(static_cast<std::uint32_t>(vertices_.size()));
                vertices_.push_back({Vertex::Kind::bend, 0, layer, 0, 0, 0});
            }
        }
    }

    void order_layers() {
        int last = 0;
        for (const auto& vertex : vertices_) last = std::max(last, vertex.layer);
        layers_.assign(static_cast<std::size_t>(last) + 1, {});
        for (std::uint32_t v = 0; v < vertices_.size(); ++v) {
            if (vertices_[v].kind == Vertex::Kind::input && !workflow_.inputs[vertices_[v].what].used && !is_output_source(v)) continue;
            layers_[static_cast<std::size_t>(vertices_[v].layer)].push_back(v);
        }
        std::vector<std::vector<std::uint32_t>> before(vertices_.size());
        std::vector<std::vector<std::uint32_t>> after(vertices_.size());
        for (const auto& line : lines_) {
            std::uint32_t from = line.from;
            const auto join = [&](std::uint32_t to) {
                before[to].push_back(from);
                after[from].push_back(to);
                from = to;
            };
            for (const auto bend : line.bends) join(bend);
            join(line.to);
        }
        for (auto& layer : layers_) number(layer);
        constexpr int sweeps = 6;
        for (int sweep = 0; sweep < sweeps; ++sweep) {
            if (sweep % 2 == 0) {
                for (std::size_t l = 1; l < layers_.size(); ++l) sort_by(layers_[l], before);
            } else {
                for (std::size_t l = layers_.size() - 1; l-- > 0;) sort_by(layers_[l], after);
            }
        }
    }
    bool is_output_source(std::uint32_t v) const {
        return std::any_of(lines_.begin(), lines_.end(), [&](const auto& line) { return line.from == v; });
    }
    void number(const std::vector<std::uint32_t>& layer) {
        for (std::size_t row = 0; row < layer.size(); ++row) vertices_[layer[row]].row = static_cast<int>(row);
    }
    void sort_by(std::vector<std::uint32_t>& layer, const std::vector<std::vector<std::uint32_t>>& neighbours) {
        for (const auto v : layer) {
            double sum = 0;
            for (const auto other : neighbours[v]) {
                const auto size = layers_[static_cast<std::size_t>(vertices_[other].layer)].size();
                sum += (vertices_[other].row + 0.5) / static_cast<double>(size);
            }
            vertices_[v].weight = neighbours[v].empty() ? (vertices_[v].row + 0.5) / static_cast<double>(layer.size())
                                                        : sum / static_cast<double>(neighbours[v].size());
        }
        std::stable_sort(layer.begin(), layer.end(), [&](auto a, auto b) { return vertices_[a].weight < vertices_[b].weight; });
        number(layer);
    }

    int height_of(const Vertex& vertex) const {
        return vertex.kind == Vertex::Kind::node ? box_height : vertex.kind == Vertex::Kind::bend ? 10 : pill_height;
    }
    int x_of(const Vertex& vertex) const { return margin + vertex.layer * (box_width + column_gap); }

    void place() {
        std::vector<int> heights;
        for (const auto& layer : layers_) {
            int height = 0;
            for (const auto v : layer) height += height_of(vertices_[v]) + row_gap;
            heights.push_back(std::max(0, height - row_gap));
            tallest_ = std::max(tallest_, heights.back());
        }
        for (std::size_t l = 0; l < layers_.size(); ++l) {
            int y = title_height + margin + (tallest_ - heights[l]) / 2;
            for (const auto v : layers_[l]) {
                const int height = height_of(vertices_[v]);
                vertices_[v].y = y + height / 2;
                y += height + row_gap;
            }
        }
    }

    void write() {
        const int width = 2 * margin + static_cast<int>(layers_.size()) * (box_width + column_gap) - column_gap;
        const int all_width = std::max(width, 560);
        const int height = title_height + 2 * margin + tallest_ + legend_height;
        out_ += "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + std::to_string(all_width) + " " + std::to_string(height) + "\" width=\"" +
                std::to_string(all_width) + "\" height=\"" + std::to_string(height) + "\" role=\"img\">\n";
        const std::string name = workflow_.name.empty() ? workflow_.id : workflow_.name;
        out_ += "<title>" + escaped(name) + "</title>\n";
        out_ += "<style>" + std::string(style) + "</style>\n";
        out_ += "<defs>" + marker("head") + marker("head-when") + "</defs>\n";
        out_ += "<rect width=\"100%\" height=\"100%\" fill=\"var(--paper)\"/>\n";
        text(margin, 34, "title", escaped(cut(name, 90)));
        std::string sub = workflow_.id + " " + workflow_.version + " · " + std::to_string(workflow_.nodes.size()) + " nodes, " + std::to_string(workflow_.edges.size()) + " edges";
        if (!workflow_.description.empty()) sub += " · " + workflow_.description;
        text(margin, 54, "sub", escaped(cut(sub, static_cast<std::size_t>(all_width) / 7)));
        for (const auto& line : lines_) write_line(line);
        for (const auto& layer : layers_) {
            for (const auto v : layer) write_vertex(vertices_[v]);
        }
        write_legend(height - legend_height + 18);
        out_ += "</svg>\n";
    }

    static std::string marker(const std::string& id) {
        return "<marker id=\"" + id + "\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path class=\"" + id +
               "\" d=\"M0,0.5 L8,4 L0,7.5 Z\"/></marker>";
    }
    void text(int x, int y, std::string_view kind, const std::string& content, std::string_view anchor = {}) {
        out_ += "<text x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" class=\"" + std::string(kind) + "\"";
        if (!anchor.empty()) out_ += " text-anchor=\"" + std::string(anchor) + "\"";
        out_ += ">" + content + "</text>\n";
    }

    void write_line(const Line& line) {
        const auto point = [](int x, int y) { return std::to_string(x) + "," + std::to_string(y); };
        int x = x_of(vertices_[line.from]) + box_width;
        int y = vertices_[line.from].y;
        std::string path = "M" + point(x, y);
        const auto curve = [&](int to_x, int to_y) {
            const int reach = std::max(24, (to_x - x) / 2);
            path += " C" + point(x + reach, y) + " " + point(to_x - reach, to_y) + " " + point(to_x, to_y);
            x = to_x;
            y = to_y;
        };
        for (const auto bend : line.bends) {
            curve(x_of(vertices_[bend]), vertices_[bend].y);
            path += " L" + point(x + box_width, y);
            x += box_width;
        }
        const int middle_x = (x + x_of(vertices_[line.to])) / 2;
        const int middle_y = (y + vertices_[line.to].y) / 2;
        curve(x_of(vertices_[line.to]) - 1, vertices_[line.to].y);
        const bool conditional = line.kind == EdgeKind::conditional;
        out_ += "<path class=\"edge" + std::string(conditional ? " conditional" : line.kind == EdgeKind::control ? " control" : "") + "\" d=\"" + path +
                "\" marker-end=\"url(#" + (conditional ? "head-when" : "head") + ")\"><title>" + escaped(line.ports) + "</title></path>\n";
        if (conditional) text(middle_x, middle_y - 5, "when", escaped(cut(line.when, 22)), "middle");
    }

    void write_vertex(const Vertex& vertex) {
        if (vertex.kind == Vertex::Kind::bend) return;
        const int x = x_of(vertex);
        const int height = height_of(vertex);
        const int y = vertex.y - height / 2;
        const int middle = x + box_width / 2;
        if (vertex.kind != Vertex::Kind::node) {
            const bool input = vertex.kind == Vertex::Kind::input;
            const std::string& name = input ? workflow_.inputs[vertex.what].name : workflow_.outputs[vertex.what].name;
            const std::string& note = input ? workflow_.inputs[vertex.what].description : workflow_.outputs[vertex.what].description;
            const std::string detail = input ? workflow_.inputs[vertex.what].type.text() : workflow_.outputs[vertex.what].file;
            open_group(note.empty() ? name : note);
            rect(x, y, height, "port", height / 2);
            text(middle, vertex.y + 4, "what", "<tspan class=\"id\">" + escaped(cut(name, 16)) + "</tspan> " + escaped(cut(detail, 14)), "middle");
            out_ += "</g>\n";
            return;
        }
        const Node& node = workflow_.nodes[vertex.what];
        const auto kind = look_of(node.kind);
        const NodeExtras& extras = workflow_.extras_of(vertex.what);
        std::string what(name_of(node.kind));
        if (node.kind == NodeKind::merge) what += " · " + std::string(name_of(node.mode));
        else if (node.kind == NodeKind::delay) what += " · " + manifests::duration_text(extras.delay_ns / 1'000'000);
        else if (node.kind == NodeKind::loop) what += " · " + std::string(extras.until ? "until " : "while ") + std::string(loop_text(workflow_, extras));
        else if (node.kind == NodeKind::wait) what += " · " + extras.expects.text();
        else if (calls_plugin(node.kind)) what = std::string(workflow_.names[node.plugin]) + "." + std::string(workflow_.names[node.operation]);
        if (node.each != 0) what += " · each";
        if (extras.quorum != 0) what += " · " + std::to_string(extras.quorum) + " suffice";
        if (extras.finally) what += " · finally";
        std::string note(workflow_.names[node.description]);
        open_group((note.empty() ? std::string() : note + "\n") + what);
        if (node.each != 0) rect(x + 4, y + 4, height, kind, 9);  // a second sheet behind: many of these
        rect(x, y, height, kind, 9);
        text(middle, vertex.y - 4, "id", escaped(cut(workflow_.node_name(vertex.what), 22)), "middle");
        text(middle, vertex.y + 14, "what", escaped(cut(what, 28)), "middle");
        out_ += "</g>\n";
    }
    void open_group(const std::string& title) { out_ += "<g><title>" + escaped(title) + "</title>"; }
    void rect(int x, int y, int height, std::string_view kind, int radius) {
        out_ += "<rect class=\"box " + std::string(kind) + "\" x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" width=\"" + std::to_string(box_width) +
                "\" height=\"" + std::to_string(height) + "\" rx=\"" + std::to_string(radius) + "\"/>";
    }

    void write_legend(int y) {
        int x = margin;
        const auto swatch = [&](std::string_view kind, const std::string& name) {
            out_ += "<rect class=\"box " + std::string(kind) + "\" x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y - 9) + "\" width=\"14\" height=\"11\" rx=\"3\"/>";
            text(x + 20, y, "sub", name);
            x += 34 + static_cast<int>(name.size()) * 7;
        };
        const auto stroke = [&](const std::string& kind, const std::string& name) {
            out_ += "<path class=\"edge" + kind + "\" d=\"M" + std::to_string(x) + "," + std::to_string(y - 4) + " h24\"/>";
            text(x + 30, y, "sub", name);
            x += 44 + static_cast<int>(name.size()) * 7;
        };
        const auto has = [&](NodeKind kind) {
            return std::any_of(workflow_.nodes.begin(), workflow_.nodes.end(), [&](const Node& node) { return node.kind == kind; });
        };
        const auto has_edge = [&](EdgeKind kind) {
            return std::any_of(workflow_.edges.begin(), workflow_.edges.end(), [&](const Edge& edge) { return edge.kind == kind; });
        };
        for (const NodeKind kind : {NodeKind::operation, NodeKind::instrument, NodeKind::branch, NodeKind::merge, NodeKind::join, NodeKind::delay, NodeKind::wait, NodeKind::workflow, NodeKind::loop}) {
            if (has(kind)) swatch(look_of(kind), std::string(name_of(kind)));
        }
        if (!workflow_.inputs.empty() || !workflow_.outputs.empty()) swatch("port", "input, output");
        if (has_edge(EdgeKind::control)) stroke(" control", "order");
        if (has_edge(EdgeKind::conditional)) stroke(" conditional", "condition");
    }

    const Workflow& workflow_;
    std::vector<Vertex> vertices_;
    std::vector<Line> lines_;
    std::vector<std::vector<std::uint32_t>> layers_;
    std::uint32_t inputs_from_ = 0;
    std::uint32_t outputs_from_ = 0;
    int tallest_ = 0;
    std::string out_;
};

} // namespace

std::string draw(const Workflow& workflow) { return Drawing(workflow).run(); }

} // namespace symphony::tracker
