// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "library.hpp"

#include <symphony/manifests/manifest.hpp>
#include <symphony/result.hpp>
#include <symphony/value.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace symphony::checker {

/// The plugin that is checked. Its library is mapped when a case asks for it.
class Subject {
public:
    /// @return Why its manifest cannot be read.
    static Result<Subject> open(const std::filesystem::path& folder);

    const manifests::Manifest& manifest() const noexcept { return *manifest_; }
    const std::filesystem::path& folder() const noexcept { return folder_; }
    /// The verified library, for a runner. Opened anew each time.
    Result<host::VerifiedImage> image() const;
    /// Maps the library once. @return What host::Library::load says.
    Result<const host::Library*> load();
    /// The mapped library's entry; null before load().
    symphony_plugin_entry entry() const noexcept { return entry_; }

    /// The operations, with the port that they are called through; empty for plugins of other ports.
    struct Callable {
        std::string port;
        const manifests::Operation* operation;
    };
    std::vector<Callable> operations() const;
    /// The configuration that it has when nobody sets anything but what is required.
    Value configuration() const;

private:
    Subject() = default;
    std::filesystem::path folder_;
    std::shared_ptr<const manifests::Manifest> manifest_;
    std::optional<host::Library> library_;
    symphony_plugin_entry entry_ = nullptr;
};

/// The same value as MessagePack.
Value value_of(const manifests::Data& data);

} // namespace symphony::checker
