/** What people read about anchors, in both languages. */
import type { AnchorCount } from '../app/verify-anchors.ts';

/** Every line about anchors, in one language. */
export interface AnchorMessages {
  readonly commands: Readonly<Record<'anchors' | 'export' | 'verify', string>>;
  readonly fileArgument: string;
  /** In the table of verify. */
  readonly row: Readonly<Record<AnchorCount | 'checked' | 'seconds', string>>;
  /** What a finding says, after the module version. */
  readonly finding: Readonly<Record<AnchorCount, (facts: AnchorFacts) => string>>;
  readonly fix: string;
  /** By `detail.reason`. */
  readonly reasons: Readonly<
    Record<
      string,
      (facts: Readonly<Record<string, string | number | boolean | undefined>>) => {
        readonly what: string;
        readonly fix: string;
      }
    >
  >;
}

/** What a finding is about. */
interface AnchorFacts {
  readonly url: string;
  readonly commit: string;
  /** A tag's name, or the commit where there is none. */
  readonly name: string;
  /** `moved` the commit now, `differs` the tree, `contradicts` what the store has, `unknown` why. */
  readonly now: string;
}

export const anchorsEnglish: AnchorMessages = {
  commands: {
    anchors: 'which commit and tree each version from a repository was made from',
    export: 'print an anchor file: PATH VERSION COMMIT TREE TAG URL, a line each',
    verify: 'ask the repositories whether their tags are where they were; nothing stored is changed',
  },
  fileArgument: 'an anchor file to compare with the store and the repositories, in place of what is stored',
  row: {
    checked: 'versions',
    held: 'as they were',
    moved: 'tag moved',
    deleted: 'tag deleted',
    lost: 'commit in no branch or tag',
    differs: 'another tree',
    contradicts: 'file and store differ',
    unknown: 'repository could not be asked',
    seconds: 'seconds',
  },
  finding: {
    held: () => 'as it was',
    moved: ({ name, url, commit, now }) => `tag ${name} of ${url} was ${commit}, is ${now}`,
    deleted: ({ name, url, commit }) => `tag ${name} of ${url} is gone, it was ${commit}`,
    lost: ({ url, commit }) => `no branch or tag of ${url} leads to ${commit} any more`,
    differs: ({ url, commit, now }) => `${commit} of ${url} has the tree ${now}`,
    contradicts: ({ commit, now }) => `the file says ${commit}, the store ${now}`,
    unknown: ({ now }) => now,
  },
  fix: 'what is stored stays as it is and is served; ask the owner of the repository why, and larder explain MODULE@VERSION what is stored',
  reasons: {
    'anchors-unusable': ({ why }) => ({
      what: `${why}`,
      fix: 'name a file that larder anchors export wrote: larder anchors export > anchors.txt',
    }),
  },
};

export const anchorsChinese: AnchorMessages = {
  commands: {
    anchors: '来自代码库的每个版本由哪个提交和目录树制成',
    export: '打印锚点文件：每行 路径 版本 提交 目录树 标签 URL',
    verify: '询问各代码库其标签是否仍在原处；不更改已存储的内容',
  },
  fileArgument: '与存储和代码库比较的锚点文件；不给则比较已存储的内容',
  row: {
    checked: '版本',
    held: '与原来相同',
    moved: '标签已移动',
    deleted: '标签已删除',
    lost: '提交不在任何分支或标签中',
    differs: '目录树不同',
    contradicts: '文件与存储不同',
    unknown: '无法询问代码库',
    seconds: '秒',
  },
  finding: {
    held: () => '与原来相同',
    moved: ({ name, url, commit, now }) => `${url} 的标签 ${name} 原为 ${commit}，现为 ${now}`,
    deleted: ({ name, url, commit }) => `${url} 的标签 ${name} 已不存在，原为 ${commit}`,
    lost: ({ url, commit }) => `${url} 中不再有分支或标签通向 ${commit}`,
    differs: ({ url, commit, now }) => `${url} 的 ${commit} 的目录树是 ${now}`,
    contradicts: ({ commit, now }) => `文件中是 ${commit}，存储中是 ${now}`,
    unknown: ({ now }) => now,
  },
  fix: '已存储的内容保持不变并继续提供；请询问代码库的所有者原因，用 larder explain 模块@版本 查看已存储的内容',
  reasons: {
    'anchors-unusable': ({ why }) => ({
      what: `锚点文件无法使用：${why}`,
      fix: '指定由 larder anchors export 写成的文件：larder anchors export > anchors.txt',
    }),
  },
};
