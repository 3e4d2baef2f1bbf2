export { canonicalJson as canonical } from '@throughline/contracts';
