// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "store.hpp"

#include <symphony/ports/artifact_store.hpp>

namespace symphony::store {

// The store's types and those of artifact-store/1, from one to the other.

ports::ArtifactInfo to_port(const ArtifactInfo& info);
ports::ArtifactOrigin to_port(const Origin& origin);
ports::ArtifactVersion to_port(const Version& version);
ports::LineageNode to_port(const LineageNode& node);
ports::ArtifactChange to_port(const Change& change);
ports::ArtifactDifference to_port(const ContentId& a, const ContentId& b, const Difference& difference);
ports::CollectReport to_port(const CollectReport& report);
ports::StoreFinding to_port(const Finding& finding);
ports::VerifyReport to_port(const VerifyReport& report);
ports::RepairReport to_port(const RepairReport& report);
ports::StoreStats to_port(const Stats& stats, const Description& what);

template <class To, class From>
std::vector<To> to_port_list(const std::vector<From>& from) {
    std::vector<To> out;
    out.reserve(from.size());
    for (const From& one : from) out.push_back(to_port(one));
    return out;
}

/// An id or a name, to the id. @return `not_found` / "unknown-artifact" or `conflict` / "ambiguous-prefix".
Result<ContentId> resolve(Store& store, std::string_view id_or_name);

/// Checked against the port's limits: "bad-name", "bad-tag", "bad-text", "too-many". Inputs may be names.
Result<PutOptions> from_port(Store& store, const ports::PutOptions& options);
Filter from_port(const ports::ArtifactFilter& filter);
CollectOptions from_port(const ports::CollectOptions& options);
Result<VerifyOptions> from_port(const ports::VerifyOptions& options);

Status check_artifact_name(std::string_view name);
Status check_artifact_tag(std::string_view tag);

} // namespace symphony::store
