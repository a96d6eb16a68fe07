#include "daemon/connections.hpp"

#include <system_error>

namespace mirrord {

void Connections::open(TargetId id, const Group& group, const Target& target, Opened opened) {
  links_[id] = {};
  try {
    masters_.ask(id, group, target, [=, this, &group, &target](const SshMasters::Answer& answer) {
      answered(id, group, target, answer, opened);
    });
  } catch (const std::system_error& e) {
    Outcome failure;
    failure.text = e.what();
    opened(failure);
  }
}

void Connections::answered(TargetId id, const Group& group, const Target& target,
                           const SshMasters::Answer& answer, const Opened& opened) {
  if (!answer.reached) return opened(answer.failure);
  Link& link = links_.at(id);
  link.control_path = answer.control_path;
  try {
    link.probe = std::make_unique<Probe>(loop_, group, target, link.control_path,
                                         [this, id, opened](const Probe::Result& result) {
                                           Link& probed = links_.at(id);
                                           auto ended = std::move(probed.probe);
                                           probed.can = result.can;
                                           opened(result.outcome);
                                         });
  } catch (const std::system_error& e) {
    Outcome failure;
    failure.text = e.what();
    opened(failure);
  }
}

const Connections::Link* Connections::find(TargetId id) const {
  auto found = links_.find(id);
  return found == links_.end() ? nullptr : &found->second;
}

void Connections::close(TargetId id) {
  links_.erase(id);
  masters_.release(id);
}

void Connections::close_all() {
  links_.clear();
  masters_.clear();
}

}  // namespace mirrord
