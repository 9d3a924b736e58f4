// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <symphony/manifests/data.hpp>
#include <symphony/manifests/diagnostic.hpp>
#include <symphony/manifests/semver.hpp>
#include <symphony/manifests/types.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace symphony::manifests {

enum class ExtensionType : std::uint8_t {
    instrument, operator_, conductor, control, transport, bus, codec, editor_adapter, pit, search, package, kit, tool,
    motif, melody,
};
enum class Placement : std::uint8_t { any, in_process, isolated };
enum class Threads : std::uint8_t { serial, concurrent, blocking, concurrent_blocking };
enum class Reload : std::uint8_t { pinned, verified };
enum class Cardinality : std::uint8_t { one, many };
enum class CapabilityKind : std::uint8_t {
    model_access, network_access, file_access, process_exec, system_access, ipc_access,
};
enum class ConfigType : std::uint8_t { string, integer, number, boolean, duration, size, list, map };
enum class MinimumGrade : std::uint8_t { none, g1, g2, g3, g4 };
enum class AddsTo : std::uint8_t { nothing, show, doctor };
enum class Selects : std::uint8_t { nothing, read, write, both };

/// The name as a manifest writes it: "editor-adapter", "in-process", "file_access", "float".
std::string_view name_of(ExtensionType type) noexcept;
std::string_view name_of(Placement placement) noexcept;
std::string_view name_of(Threads threads) noexcept;
std::string_view name_of(Reload reload) noexcept;
std::string_view name_of(Cardinality cardinality) noexcept;
std::string_view name_of(CapabilityKind kind) noexcept;
std::string_view name_of(ConfigType type) noexcept;
std::string_view name_of(Selects selects) noexcept;
std::string_view name_of(AddsTo to) noexcept;
std::string_view name_of(MinimumGrade grade) noexcept; ///< of none: empty

/// `[extension]`: who it is.
struct Extension {
    std::string id; ///< as written, else the name
    std::string name;
    Version version;
    ExtensionType type = ExtensionType::tool;
    std::string author;
    std::string description;
    std::string license; ///< an SPDX expression
    std::string homepage;
    std::vector<std::string> replaces; ///< ids it takes the place of
    Place place, id_place, name_place, version_place;
    friend bool operator==(const Extension&, const Extension&) = default;
};

/// `[abi]`: what it needs of the host's binary interface.
struct Abi {
    std::uint32_t major = 1;
    std::uint32_t minor = 0; ///< the oldest minor that has all it needs
    Placement placement = Placement::any;
    MinimumGrade minimum_grade = MinimumGrade::none; ///< of the sandbox; asking for one is asking for isolation
    Threads threads = Threads::serial;
    Reload reload = Reload::pinned;
    Place place, version_place;
    friend bool operator==(const Abi&, const Abi&) = default;
};

inline bool wants_isolation(const Abi& abi) noexcept { return abi.placement == Placement::isolated || abi.minimum_grade != MinimumGrade::none; }

/// One port of `[provides]`.
struct Provide {
    std::string port; ///< "operator/1"
    std::int32_t priority = 50; ///< higher is preferred; 0 to 1000
    bool exclusive = false;
    Data::Map data; ///< the other keys, for the port's users; sorted
    Place place;
    friend bool operator==(const Provide&, const Provide&) = default;
};

/// One port of `[requires]`.
struct Require {
    std::string port;
    bool optional = false;
    Cardinality cardinality = Cardinality::one;
    std::string provider; ///< a plugin's id, or empty for any
    Place place;
    friend bool operator==(const Require&, const Require&) = default;
};

/// A package of `[dependencies]`. `symphony-core` is none: see Manifest::host.
struct Dependency {
    std::string id;
    Range range;
    bool optional = false;
    Place place;
    friend bool operator==(const Dependency&, const Dependency&) = default;
};

/// An input or output of an operation.
struct Slot {
    std::string name;
    Type type;
    Place place;
    friend bool operator==(const Slot&, const Slot&) = default;
};

/// `[[operation]]`: what an operator or instrument offers to workflows.
struct Operation {
    std::string name;
    std::string summary;
    std::vector<Slot> inputs;  ///< in written order
    std::vector<Slot> outputs; ///< in written order
    bool pure = false; ///< same input, same output, nothing else happens: may be cached
    Place place;
    friend bool operator==(const Operation&, const Operation&) = default;
};

/// One permission that it asks for.
struct Capability {
    CapabilityKind kind = CapabilityKind::file_access;
    std::string value; ///< "read:workspace", "api.example.com:443", "gpt-4"
    std::string reason; ///< shown to the person who grants it
    bool optional = false; ///< it works without
    Place place;
    friend bool operator==(const Capability&, const Capability&) = default;
};

/// `[resources]`: budgets it asks for; missing is the host's default.
struct Resources {
    std::optional<std::uint64_t> memory_limit_bytes;
    std::optional<std::uint32_t> cpu_limit_percent; ///< of one core
    bool gpu_required = false;
    std::optional<std::uint32_t> threads;
    std::optional<std::uint64_t> start_timeout_ms;
    std::optional<std::uint32_t> open_files;
    std::optional<std::uint64_t> file_size_bytes;
    std::optional<std::uint64_t> output_volume_bytes;
    Place place;
    friend bool operator==(const Resources&, const Resources&) = default;
};

/// One key of `[configuration]`. The keys every plugin has are not in the manifest: see config.hpp.
/// In default, min, max and choices a duration is an integer of milliseconds, a size an integer of bytes.
struct ConfigKey {
    std::string name;
    ConfigType type = ConfigType::string;
    Data default_value; ///< null when there is none
    Data min;           ///< null, an integer, or for floats a number; for strings, lists and maps the least length
    Data max;
    std::string description;
    bool required = false;
    bool secret = false; ///< never printed, logged or stored
    std::vector<Data> choices;
    Place place, default_place, min_place, max_place, choices_place;
    friend bool operator==(const ConfigKey&, const ConfigKey&) = default;
};

/// `[activation]`: what wakes it. Nothing written means: the first use of a port.
struct Activation {
    bool startup = false;
    std::vector<std::string> ports; ///< "operator/1", written "port:operator/1"
    Place place;
    friend bool operator==(const Activation&, const Activation&) = default;
};

struct Argument {
    std::string name;
    std::string help;
    bool required = false;
    bool repeat = false; ///< the last argument only
    std::string complete; ///< what completion offers: "file", "directory", "workflow", "plugin", ...
    Selects selects = Selects::nothing;
    Place place;
    friend bool operator==(const Argument&, const Argument&) = default;
};

struct Flag {
    std::string name; ///< without the dashes
    std::string short_name; ///< one character, or empty
    std::string value; ///< placeholder such as "NAME=VALUE" or "DIR"; empty: a switch
    bool repeat = false;
    std::string help;
    std::string default_value;
    std::string complete;
    Selects selects = Selects::nothing; ///< the typed path is granted for this run, to read, to write, or ("read-write") both
    Place place;
    friend bool operator==(const Flag&, const Flag&) = default;
};

/// `[[command]]`: what a person may type. `name` is one to three words, such as "runs list".
struct Command {
    std::string name;
    std::string summary;
    std::string help;
    std::vector<std::string> examples;
    std::vector<Argument> arguments;
    std::vector<Flag> flags;
    AddsTo adds_to = AddsTo::nothing; ///< the host's own command whose output ends with what this one says
    bool follow = false; ///< while it runs, the host takes over plugins that are installed, changed or removed
    Place place;
    friend bool operator==(const Command&, const Command&) = default;
};

/// `[[artifact]]`: a library for one platform, beside the manifest.
struct Artifact {
    std::string triple; ///< "x86_64-linux-gnu"
    std::string path;   ///< relative, without "..", "\" or NUL
    std::uint64_t size_bytes = 0;
    std::string sha256; ///< 64 lower-case hexadecimal digits
    Place place, path_place, sha256_place;
    friend bool operator==(const Artifact&, const Artifact&) = default;
};

/// `[package]`: what else goes into its package.
struct PackageContent {
    std::vector<std::string> include; ///< files, and folders with all in them, beside the manifest
    Place place;
    friend bool operator==(const PackageContent&, const PackageContent&) = default;
};

/// Everything a plugin says about itself, as plain data.
struct Manifest {
    Extension extension;
    Abi abi;
    std::vector<Provide> provides;
    std::vector<Operation> operations;
    std::vector<Require> needs; ///< `[requires]`, which is a C++ keyword
    std::optional<Dependency> host; ///< `symphony-core`: the range of host ABI versions, "^1.0"
    std::vector<Dependency> dependencies;
    std::vector<Capability> capabilities;
    Resources resources;
    std::vector<ConfigKey> configuration;
    Activation activation;
    std::vector<Command> commands;
    PackageContent package;
    std::vector<Artifact> artifacts;

    const std::string& id() const noexcept { return extension.id; }
    const std::string& name() const noexcept { return extension.name; }
    const Provide* find_provide(std::string_view port) const noexcept;
    const Operation* find_operation(std::string_view operation_name) const noexcept;
    const Artifact* find_artifact(std::string_view triple) const noexcept;

    friend bool operator==(const Manifest&, const Manifest&) = default;
};

} // namespace symphony::manifests
