// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "guard.hpp"

#include <symphony/manifests/manifest.hpp>
#include <symphony/testing.hpp>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::checker {

/// A host that grants what a manifest asks for, as far as this can be granted without a world: its folders are empty and
/// temporary, no network answers, nobody else provides a port. Some of it can be withheld, and its structs can be of another age.
class HostDouble : private testing::FakeHost {
public:
    enum class Age : std::uint8_t {
        own,
        newer, ///< every struct has more members than anybody knows
        older, ///< structs end one member earlier, and what would be the member cannot be read
    };

    /// @param withheld  Of grants(): what is not given. The manifest outlives the double.
    explicit HostDouble(const manifests::Manifest& manifest, Age age = Age::own, const std::set<std::string>& withheld = {});

    /// What the plugin is given. Valid as long as the double.
    const symphony_host* table() const noexcept { return table_; }
    /// The answer of the config service.
    void set_configuration(Value value) { configuration_ = std::move(value); }
    /// Everything the manifest asks for that can be withheld: "symphony.host.fs/1", "workspace", ...
    static std::vector<std::string> grants(const manifests::Manifest& manifest);

private:
    static HostDouble& of(void* ctx) noexcept { return *static_cast<HostDouble*>(static_cast<testing::FakeHost*>(ctx)); }
    static const void* query(void* ctx, symphony_str id);
    const void* find(std::string_view id);
    /// The table as a host of `age_` has it.
    const void* aged(const void* table);

    const Age age_;
    testing::TempFolder folder_;
    symphony_host own_{};
    const symphony_host* table_ = nullptr;
    Value configuration_;
    std::set<std::string, std::less<>> services_; // that are given
    std::map<const void*, Guarded> aged_;
    std::mutex mutex_;
};

} // namespace symphony::checker
