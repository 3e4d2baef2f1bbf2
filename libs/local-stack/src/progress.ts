/** Told what is being waited for, each time that changes. */
export type OnProgress = (doing: string) => void;

export const noProgress: OnProgress = () => undefined;
