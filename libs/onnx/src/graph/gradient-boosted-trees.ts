import { attribute, encodeModel, FEATURE_NAMES_KEY, floatValue, ML_DOMAIN, node } from './write.js';

/** A leaf adds its value; a branch goes left when `row[feature] <= threshold`. */
export type TreeNode = { leaf: number } | { feature: number; threshold: number; left: TreeNode; right: TreeNode; missingGoesLeft?: boolean };

export interface GradientBoostedTrees {
  trees: readonly TreeNode[];
  /** Width of the input matrix. */
  features: number;
  /** Added to the sum of the trees' leaves. */
  baseValue?: number;
  /** `probability`: logistic of the sum; `value`: the sum itself. It names the output, too. */
  output?: 'probability' | 'value';
  featureNames?: readonly string[];
}

/**
 * A boosted ensemble as ONNX (`ai.onnx.ml` TreeEnsembleRegressor, whose output is a tensor where the classifier's exporters
 * like to add a ZipMap).
 *
 * Input `input` float32 [N, F], output `probability` (or `value`) float32 [N, 1].
 *
 * @throws RangeError without trees, or when a branch names a feature outside the matrix.
 */
export function gradientBoostedTreesGraph(model: GradientBoostedTrees): Uint8Array {
  const { trees, features, baseValue = 0, output = 'probability', featureNames } = model;
  if (trees.length === 0) throw new RangeError('an ensemble needs at least one tree');
  if (featureNames !== undefined && featureNames.length !== features) throw new RangeError(`featureNames must have ${features} entries`);
  const table = new NodeTable(features);
  trees.forEach((tree, treeId) => table.addTree(tree, treeId));
  const ensemble = node('TreeEnsembleRegressor', ['input'], [output], [
    ...table.attributes(),
    attribute.int('n_targets', 1),
    attribute.floats('base_values', [baseValue]),
    attribute.string('post_transform', output === 'probability' ? 'LOGISTIC' : 'NONE'),
  ], ML_DOMAIN);
  return encodeModel(
    { name: 'gradient_boosted_trees', input: [floatValue('input', ['N', features])], output: [floatValue(output, ['N', 1])], node: [ensemble] },
    featureNames === undefined ? {} : { [FEATURE_NAMES_KEY]: JSON.stringify(featureNames) },
  );
}

/** The operator wants a table with one entry a node, and a second one with one entry a leaf. */
class NodeTable {
  private readonly treeIds: number[] = [];
  private readonly nodeIds: number[] = [];
  private readonly featureIds: number[] = [];
  private readonly thresholds: number[] = [];
  private readonly modes: string[] = [];
  private readonly trueIds: number[] = [];
  private readonly falseIds: number[] = [];
  private readonly missingTracksTrue: number[] = [];
  private readonly leafTreeIds: number[] = [];
  private readonly leafNodeIds: number[] = [];
  private readonly leafValues: number[] = [];

  constructor(private readonly features: number) {}

  addTree(root: TreeNode, treeId: number): void {
    let nextId = 0;
    const add = (treeNode: TreeNode): number => {
      const id = nextId++;
      const row = this.treeIds.push(treeId) - 1;
      this.nodeIds.push(id);
      if ('leaf' in treeNode) {
        this.set(row, { mode: 'LEAF', feature: 0, threshold: 0, left: 0, right: 0, missingGoesLeft: false });
        this.leafTreeIds.push(treeId);
        this.leafNodeIds.push(id);
        this.leafValues.push(treeNode.leaf);
        return id;
      }
      const { feature, threshold, missingGoesLeft = false } = treeNode;
      if (!Number.isInteger(feature) || feature < 0 || feature >= this.features) {
        throw new RangeError(`tree ${treeId} branches on feature ${feature} of ${this.features}`);
      }
      const left = add(treeNode.left);
      const right = add(treeNode.right);
      this.set(row, { mode: 'BRANCH_LEQ', feature, threshold, left, right, missingGoesLeft });
      return id;
    };
    add(root);
  }

  private set(row: number, entry: { mode: string; feature: number; threshold: number; left: number; right: number; missingGoesLeft: boolean }): void {
    this.modes[row] = entry.mode;
    this.featureIds[row] = entry.feature;
    this.thresholds[row] = entry.threshold;
    this.trueIds[row] = entry.left;
    this.falseIds[row] = entry.right;
    this.missingTracksTrue[row] = entry.missingGoesLeft ? 1 : 0;
  }

  attributes() {
    return [
      attribute.ints('nodes_treeids', this.treeIds),
      attribute.ints('nodes_nodeids', this.nodeIds),
      attribute.ints('nodes_featureids', this.featureIds),
      attribute.floats('nodes_values', this.thresholds),
      attribute.strings('nodes_modes', this.modes),
      attribute.ints('nodes_truenodeids', this.trueIds),
      attribute.ints('nodes_falsenodeids', this.falseIds),
      attribute.ints('nodes_missing_value_tracks_true', this.missingTracksTrue),
      attribute.ints('target_treeids', this.leafTreeIds),
      attribute.ints('target_nodeids', this.leafNodeIds),
      attribute.ints('target_ids', this.leafValues.map(() => 0)),
      attribute.floats('target_weights', this.leafValues),
    ];
  }
}
