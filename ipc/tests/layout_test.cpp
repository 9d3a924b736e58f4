// SPDX-License-Identifier: Apache-2.0
#include "layout.hpp"
#include "memory.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

using namespace symphony::ipc;

namespace {

using Numbers = std::vector<std::uint64_t>;
using Table = std::map<std::string, Numbers>;

/// The rows of the document's table whose first heading is `name`: first column to the numbers in the `columns` after it.
Table table(const std::string& name, std::size_t columns) {
    std::ifstream file(SYMPHONY_IPC_DIR "/docs/channel.md");
    Table rows;
    bool inside = false, begins = true; // a table's first row is its heading
    for (std::string line; std::getline(file, line);) {
        std::istringstream cells(line);
        std::string cell, first;
        std::getline(cells, cell, '|');
        if (!std::getline(cells, cell, '|') || cell.size() < 3) {
            inside = false;
            begins = true;
            continue;
        }
        first = cell.substr(1, cell.size() - 2);
        if (std::exchange(begins, false)) inside = first == name;
        else if (inside && first != "---") {
            for (std::size_t i = 0; i < columns && std::getline(cells, cell, '|'); ++i) rows[first].push_back(std::stoull(cell));
        }
    }
    return rows;
}

#define PLACE(type, member) {#member, {offsetof(type, member), sizeof(type::member)}}

} // namespace

TEST(ChannelLayout, IsTheOneOfTheDocument) {
    EXPECT_EQ(table("greeting", 2), (Table{PLACE(Greeting, magic), PLACE(Greeting, version), PLACE(Greeting, ring_bytes), PLACE(Greeting, slab_bytes)}));
    EXPECT_EQ(table("page", 2), (Table{PLACE(RingPage, tail), PLACE(RingPage, head), PLACE(RingPage, sleeper), PLACE(RingPage, cpu), PLACE(RingPage, pong)}));
    EXPECT_EQ(table("head", 2), (Table{PLACE(Head, magic), PLACE(Head, kind), PLACE(Head, flags), PLACE(Head, method), PLACE(Head, status), PLACE(Head, call),
                                    PLACE(Head, deadline_ns), PLACE(Head, value), PLACE(Head, sequence), PLACE(Head, body_size), PLACE(Head, buffers), PLACE(Head, zero),
                                    PLACE(Head, checksum)}));
    EXPECT_EQ(table("row", 2), (Table{PLACE(BufferRow, place), PLACE(BufferRow, block), PLACE(BufferRow, offset), PLACE(BufferRow, size)}));
}

TEST(ChannelLayout, NumbersKindsAndFlagsAsTheDocumentDoes) {
    const auto kind = [](Kind of) { return Numbers{static_cast<std::uint64_t>(of)}; };
    const Table named{{"request", kind(Kind::request)}, {"answer", kind(Kind::answer)}, {"note", kind(Kind::note)}, {"invoke", kind(Kind::invoke)},
                      {"returned", kind(Kind::returned)}, {"emit", kind(Kind::emit)}, {"progress", kind(Kind::progress)}, {"complete", kind(Kind::complete)},
                      {"fail", kind(Kind::fail)}, {"accepted", kind(Kind::accepted)}, {"cancel", kind(Kind::cancel)}, {"release", kind(Kind::release)},
                      {"ping", kind(Kind::ping)}, {"bye", kind(Kind::bye)}};
    EXPECT_EQ(named.size(), std::size_t{kinds});
    EXPECT_EQ(table("kind", 1), named);
    const Table bits{{"spilled", {flag_spilled}}, {"error", {flag_error}}, {"threw", {flag_threw}}, {"descriptor", {flag_descriptor}},
                     {"cancelled", {flag_cancelled}}, {"told", {flag_told}}, {"malformed", {flag_malformed}}};
    EXPECT_EQ(table("flag", 1), bits);
}
