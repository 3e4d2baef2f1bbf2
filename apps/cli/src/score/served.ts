import type { Bus } from '@throughline/bus/client';
import { ContractError, decodeEvent, type ModelDeployment, type ServedVersion } from '@throughline/contracts';

/**
 * The version that a job will be answered by, as the workers know it: from the topic of deployments.
 *
 * @throws ContractError `unknown_model`, `unknown_version`
 */
export async function servedVersion(bus: Bus, model: string, version: string | undefined): Promise<ServedVersion> {
  const deployments = new Map<string, ModelDeployment>();
  await bus.admin.scan('model.deployment.v1', (messages) => {
    for (const message of messages) {
      const decoded = decodeEvent('model.deployment.v1', message);
      if (message.value === null) deployments.delete(message.key?.toString() ?? '');
      else if (decoded.ok) deployments.set(decoded.data.model, decoded.data);
    }
  });
  const deployment = deployments.get(model);
  const deployed = [...deployments.values()].filter(({ champion }) => champion !== undefined).map((one) => one.model);
  if (deployment === undefined) throw new ContractError('unknown_model', `no model “${model}” is deployed`, { cure: deployed.length === 0 ? 'Nothing is: npx throughline models promote --help.' : `Deployed are: ${deployed.join(', ')}.` });
  const { champion, challengers, shadows } = deployment;
  const versions = [...(champion === undefined ? [] : [champion]), ...challengers, ...shadows];
  const served = version === undefined ? champion : versions.find((one) => one.version === version);
  if (served !== undefined) return checked(served, model);
  if (version === undefined) throw new ContractError('unknown_model', `model “${model}” has no champion`, { cure: `npx throughline models promote ${model} VERSION` });
  throw new ContractError('unknown_version', `the deployment of “${model}” has no version ${version}`, { cure: `It has: ${versions.map((one) => one.version).join(', ') || 'none'}.` });
}

function checked(served: ServedVersion, model: string): ServedVersion {
  if (served.signature.features.length > 0) return served;
  throw new ContractError('invalid_request', `version ${served.version} of “${model}” names no features that columns could be`, { cure: 'Name them in the metadata of the model.' });
}
