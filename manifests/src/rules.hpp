// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/manifest.hpp>
#include <symphony/manifests/units.hpp>

#include <span>
#include <string>
#include <string_view>

namespace symphony::manifests {

/// What a text must look like: for the parser, for people and for the schema.
struct TextRule {
    std::string_view expected; ///< "a name such as \"word-count\""
    std::string_view pattern;  ///< ECMA regular expression for the schema; empty: any
    bool (*check)(std::string_view) noexcept = nullptr; ///< null: any
    std::string_view reason = "bad-value";
};

namespace rule {
extern const TextRule any;
extern const TextRule id;
extern const TextRule name;
extern const TextRule port;
extern const TextRule word;
extern const TextRule command;
extern const TextRule flag;
extern const TextRule short_flag;
extern const TextRule web_address;
extern const TextRule triple;
extern const TextRule sha256;
extern const TextRule library_path;
extern const TextRule activation;
extern const TextRule model;
extern const TextRule network;
extern const TextRule file;
extern const TextRule program;
extern const TextRule system_right;
extern const TextRule channel;
extern const TextRule extra; ///< an unchecked key
} // namespace rule

const TextRule& rule_of(CapabilityKind kind) noexcept;

/// Whether a path could leave its folder or hides its meaning: absolute, "..", NUL, backslash.
bool escapes(std::string_view path) noexcept;

/// A value with a text form of its own.
template <class T>
struct Codec {
    std::string_view expected;
    std::string_view pattern;
    Result<T> (*read)(std::string_view);
    std::string (*write)(const T&);
};

struct AbiVersion {
    std::uint32_t major = 1;
    std::uint32_t minor = 0;
    friend bool operator==(const AbiVersion&, const AbiVersion&) = default;
};

namespace codec {
extern const Codec<Version> version;
extern const Codec<Range> range;
extern const Codec<Type> type;
extern const Codec<AbiVersion> abi;
extern const Codec<std::uint64_t> size;
extern const Codec<std::uint64_t> duration;
extern const Codec<std::uint32_t> percent;
} // namespace codec

/// The names of an enumeration, in the order of its values.
template <class E>
std::span<const std::string_view> names_of() noexcept;

} // namespace symphony::manifests
