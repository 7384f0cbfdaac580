import { useForm } from 'react-hook-form';
import { asApiProblem } from '../shell/problem';
import { useWords } from '../shell/words';
import { Button } from '../ui/Button';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { type EventDetails, useEvent } from './event';
import { linesOf, named, useFields, wrongLines } from './fields';
import styles from './event-page.module.css';

const lists = ['allowAddresses', 'denyAddresses', 'allowDomains', 'denyDomains'] as const;
type Values = Record<(typeof lists)[number], string>;

function valuesOf(filters: EventDetails['filters']): Values {
  return {
    allowAddresses: filters.allowAddresses.join('\n'),
    denyAddresses: filters.denyAddresses.join('\n'),
    allowDomains: filters.allowDomains.join('\n'),
    denyDomains: filters.denyDomains.join('\n'),
  };
}

/** Who may come, by where they come from: four lists, a line each. */
export function Filters() {
  const { t } = useWords();
  const { filters } = useEvent();
  const save = useFields();
  const form = useForm<Values>({
    values: valuesOf(filters),
    resetOptions: { keepDirtyValues: true },
  });
  const problem = save.isError ? asApiProblem(save.error) : undefined;
  const pointers = problem?.fields.map(({ pointer }) => pointer) ?? [];
  const fieldOf = (name: (typeof lists)[number]) => {
    const wrong = wrongLines(pointers, `filters/${name}`);
    const kind = name.endsWith('Addresses') ? 'addresses' : 'domains';
    return {
      label: t(`filter.${name}`),
      wrong: wrong.length > 0 ? t(`filter.${kind}.wrong`, { lines: wrong.join(', ') }) : t('filter.many'),
    };
  };
  return (
    <section className={styles['section']} aria-labelledby="filters">
      <div>
        <h2 id="filters">{t('filter.title')}</h2>
        <p className="muted">{t('filter.lead')}</p>
      </div>
      <div className={styles['column']}>
        <Form
          form={form}
          error={problem && named(problem, { filters: undefined })}
          onSubmit={typed => {
            const written = {
              allowAddresses: linesOf(typed.allowAddresses),
              denyAddresses: linesOf(typed.denyAddresses),
              allowDomains: linesOf(typed.allowDomains),
              denyDomains: linesOf(typed.denyDomains),
            };
            save.mutate(
              { filters: written },
              {
                onSuccess: saved => {
                  form.reset(valuesOf(saved.filters), { keepDirtyValues: false });
                },
              },
            );
          }}
          fields={{
            allowAddresses: fieldOf('allowAddresses'),
            denyAddresses: fieldOf('denyAddresses'),
            allowDomains: fieldOf('allowDomains'),
            denyDomains: fieldOf('denyDomains'),
          }}
        >
          <div className={styles['pair']}>
            {lists.map(name => (
              <Field
                key={name}
                control={form.control}
                name={name}
                label={t(`filter.${name}`)}
                hint={t(`filter.${name}.hint`)}
                lines={3}
                autoComplete="off"
              />
            ))}
          </div>
          <div className={styles['acts']}>
            <Button type="submit" writes busy={save.isPending}>
              {t('filter.save')}
            </Button>
            <span role="status">{save.isSuccess && !form.formState.isDirty ? t('saved') : ''}</span>
          </div>
        </Form>
      </div>
    </section>
  );
}
