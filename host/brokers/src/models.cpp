// SPDX-License-Identifier: Apache-2.0
#include <symphony/brokers/models.hpp>

namespace symphony::brokers {

Result<Value> Models::list() const {
    ValueBuilder out;
    out.list();
    out.end();
    return out.build();
}

Result<int> Models::open(std::string_view model, std::string_view) const {
    const manifests::Right right = SYMPHONY_TRY(manifests::Right::named(manifests::RightKind::model, model));
    if (require_) SYMPHONY_TRY(require_(right));
    return Error(Code::unsupported, "no-pool", plugin_ + ": model \"" + std::string(model.substr(0, 100)) + "\" comes from the pool, and no plugin provides pool/1",
                 "install a plugin that provides the port pool/1");
}

} // namespace symphony::brokers
