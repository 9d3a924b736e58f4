// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "document.hpp"
#include "model.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace symphony::tracker {

/// What a picture shows, as it is read, and the workflow that it becomes.
class Skeleton {
public:
    enum class Shape : std::uint8_t { unknown, box, stadium, rhomb, circle };
    enum class Line : std::uint8_t { plain, dashed, thick };

    Skeleton(const Limits& limits, Findings& findings) : limits_(limits), findings_(findings) {}

    /// The node of that name in the picture, new or known.
    std::size_t node(std::string_view name, Place place);
    /// Lines of a label are parted by '\n'.
    void label(std::size_t node, std::string_view text) { nodes_[node].label = text; }
    void shape(std::size_t node, Shape shape) { nodes_[node].shape = shape; }
    void edge(std::size_t from, std::size_t to, Line line, std::string label, Place place) { edges_.push_back({from, to, line, std::move(label), place}); }
    void set_name(std::string_view name) { name_ = name; }
    /// Something that a picture may have and a workflow has no place for.
    void left_out(const std::string& what, Place place);
    /// More nodes or edges than the limits allow; it is told.
    bool too_many() const noexcept { return too_many_ || edges_.size() > limits_.edges_max; }

    /// @return Nothing, with its reason told, when there are no nodes or too many.
    std::optional<Workflow> workflow();

private:
    struct Drawn {
        std::string name;
        std::string label;
        Shape shape = Shape::unknown;
        Place place;
        Id node = no_id;    // in the workflow
        Id input = no_id;   // "$inputs.x"
        bool output = false;
        std::uint32_t given = 0;  // edges that lead in and whose port was made up
    };
    struct Line_ {
        std::size_t from, to;
        Line line;
        std::string label;
        Place place;
    };

    void assumed(std::string message, Place place);
    std::string unique_id(std::string_view name);
    void make_node(Drawn& drawn);
    void control_kind(Node& node, const std::string& what);
    void make_input(Drawn& drawn, std::string_view name);
    void make_edge(const Line_& line);
    void make_output(const Line_& line);
    std::string made_up_port(Drawn& to, const Drawn& from);

    const Limits& limits_;
    Findings& findings_;
    std::string name_;
    std::vector<Drawn> nodes_;
    std::vector<Line_> edges_;
    std::unordered_map<std::string, std::size_t> known_;
    std::unordered_map<std::string, bool> ids_;
    std::size_t left_out_ = 0;
    bool too_many_ = false;
    Workflow made_;
};

/// Each gives false, with its reason told, for what it cannot understand.
bool draw_mermaid(std::string_view text, Skeleton& skeleton, Findings& findings);
bool draw_dot(std::string_view text, Skeleton& skeleton, Findings& findings);

} // namespace symphony::tracker
