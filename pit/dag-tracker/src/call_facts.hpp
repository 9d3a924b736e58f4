// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "catalogue.hpp"
#include "sha256.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace symphony::tracker {

/// All that an answer depends on, as far as Symphony can know it: what was called, as what, with what. No clock, no path, no run, no
/// order of arrival is in it, and of a secret only its name.
struct CallFacts {
    Value parts;  ///< a list in a fixed order (call_facts.cpp); equal facts have equal bytes
    Digest key;   ///< SHA-256 of the bytes of `parts`
};

/// What the calls of one step have in common, made once for all of them. Const methods may be called concurrently.
class StepFacts {
public:
    /// @param operation  Null: the manifest does not tell.
    /// @param base       The map of the inputs that all calls are given.
    StepFacts(const Provider& provider, const OperationSpec* operation, std::string_view operation_name, ValueView base);
    /// The only call of a step without `each`.
    CallFacts single() const { return with(nullptr, {}); }
    /// The call of one element, whose digest is given. @param port  The input that the element is.
    CallFacts element(std::string_view port, const Digest& item) const { return with(&item, port); }

private:
    CallFacts with(const Digest* item, std::string_view port) const;

    std::string head_;  // the parts before the inputs, packed
    std::vector<std::pair<std::string, Digest>> inputs_;  // by name
};

/// The first part in which two calls differ.
struct Difference {
    std::string component;  ///< "schema", "plugin", "operation", "version", "library", "abi", "purity", "permissions", "configuration" or "input"
    std::string name;       ///< of the configuration's key or of the input; else ""
    std::string was, is;    ///< for people; "" where nothing is to be seen, such as of a digest
    friend bool operator==(const Difference&, const Difference&) = default;
};
/// Nothing when they are the same. @param was, is  CallFacts::parts; what makes no sense differs in its "schema".
std::optional<Difference> first_difference(ValueView was, ValueView is);
/// The part of them that is the inputs: a map from port to the digest of its value. Of what is such a map, itself.
ValueView inputs_of(ValueView parts);
/// The same of the inputs alone: what two calls of one operation were given.
std::optional<Difference> first_input_difference(ValueView was, ValueView is);
/// `input "text"`, `version (1.0.0, was 0.9.0)`.
std::string words_of(const Difference& difference);

} // namespace symphony::tracker
