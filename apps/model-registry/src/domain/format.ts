export type ArtifactFormat = 'onnx' | 'rules';

const RULES_FILE = /\.rules\.json$/i;
/** A serialised graph begins with the number of a field, and no field of ONNX has the number of a brace. */
const JSON_OBJECT = /^(?:ï»¿)?\s*\{/;

/**
 * What an uploaded artifact is: as the uploader says, else as its name or its first bytes do.
 *
 * @param head the first bytes, as Latin-1
 */
export function detectFormat({ declared, fileName, head }: { declared?: ArtifactFormat | undefined; fileName: string; head: string }): ArtifactFormat {
  return declared ?? (RULES_FILE.test(fileName) || JSON_OBJECT.test(head) ? 'rules' : 'onnx');
}
