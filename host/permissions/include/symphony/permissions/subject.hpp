// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/rights.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::permissions {

using manifests::Right;
using manifests::RightSet;

inline constexpr std::string_view unsigned_publisher = "unsigned";

/// One right as a manifest asks for it.
struct Wish {
    Right right;
    std::string reason;    ///< the author's, for the person who grants it
    bool optional = false;
    manifests::Place place;
    std::string value;     ///< as written: "read:workspace"
    std::string_view key;  ///< "file_access"; "requires" when it follows from that
};

/// What one manifest asks for, read once when its plugin is loaded. Immutable, shared by its instances.
class Request {
public:
    /// @param file  Where the manifest is, for people.
    static std::shared_ptr<const Request> of(const manifests::Manifest& manifest, std::string file);

    const std::vector<Wish>& wishes() const noexcept { return wishes_; } ///< in canonical order
    const RightSet& rights() const noexcept { return rights_; }
    const RightSet& required() const noexcept { return required_; }      ///< without the optional ones
    const std::string& digest() const noexcept { return digest_; }       ///< SHA-256 of rights().text(), hexadecimal
    const std::string& file() const noexcept { return file_; }
    /// The wish that covers it, the narrowest first; null when it did not ask.
    const Wish* find(const Right& right) const noexcept;

private:
    std::vector<Wish> wishes_;
    RightSet rights_, required_;
    std::string digest_, file_;
};

/// On whose behalf something is asked. Made once for each instance; a copy is cheap enough for a call, not for a loop.
struct Subject {
    std::string publisher = std::string(unsigned_publisher);
    std::string plugin;                     ///< id
    std::string name;                       ///< what people type
    std::string version;
    std::string digest;                     ///< SHA-256 of the library, hexadecimal
    std::string instance;                   ///< "word-count#1"
    std::function<std::vector<std::string>()> chain; ///< plugins on whose calls it acts now, outermost first; empty: not known
    bool trusted = false;                   ///< its library is in the distribution's lock
    std::shared_ptr<const Request> request; ///< null: asks for nothing
};

/// 64 lower-case hexadecimal digits of SHA-256 over the set's canonical text.
std::string digest_of(const RightSet& rights);

} // namespace symphony::permissions
